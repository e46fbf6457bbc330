"""EnvPool: environments in C++, several times faster than those that Python steps.

Source: Weng et al., "EnvPool: a highly parallel reinforcement learning environment execution engine", 2022.
"""

import importlib
import importlib.util
import warnings
from typing import Any

import gymnasium
import numpy as np
from gymnasium import Space
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from sandlot.envs.description import EnvDescription
from sandlot.envs.tree import tree_map
from sandlot.envs.wrappers import Wrappers
from sandlot.tracking import SandlotError

FASTER = {
    "Acrobot-v1": 26,
    "HalfCheetah-v5": 2.4,
    "Hopper-v5": 2.1,
    "LunarLander-v3": 4.0,
    "MountainCar-v0": 11,
    "MountainCarContinuous-v0": 2.9,
}
"""Speed-up of EnvPool over Gymnasium with 64 copies, for tasks that are the same in both.

Left out: CartPole and toy text, which have faster vector environments; Atari, for which ALE's own is faster; Pendulum,
which EnvPool rotates slightly further at top speed than Gymnasium does.
"""
NEVER = 2**31 - 1
NAMES = {"Taxi-v4": "Taxi-v3"}
"""EnvPool's ids of tasks that have another id in Gymnasium."""


def pool_ids() -> list[str]:
    """Return the ids that EnvPool has; none if it is not installed."""
    return list(_envpool().list_all_envs()) if importlib.util.find_spec("envpool") else []


def pool_vector(env_spec: EnvDescription, num_envs: int, single: gymnasium.Env | None) -> "PoolVector | None":
    """Return `num_envs` copies of `env_spec` in EnvPool; None if unsupported, or with other spaces than `single`."""
    name = NAMES.get(env_spec.id, env_spec.id)
    wrappers = env_spec.resolved_wrappers
    if wrappers.per_env != Wrappers(time_limit=wrappers.time_limit) or name not in pool_ids():
        return None
    limit = wrappers.time_limit or (single.spec.max_episode_steps if single is not None and single.spec else None)
    vector = PoolVector(name, num_envs, dict(env_spec.kwargs), limit)
    if single is not None and not vector.adopt_spaces(single.observation_space, single.action_space):
        vector.close()
        return None
    return vector


class PoolVector(VectorEnv):
    """Copies of an environment that EnvPool steps.

    EnvPool reports truncation alone where an episode terminates in the step of the time limit, and is seeded only on
    construction. So each reset with a seed makes the pool again, and its time limit is one step longer than the true
    one, which is applied here. Ended episodes are restarted by `reset(options={"reset_mask": …})`.
    """

    metadata = {"autoreset_mode": AutoresetMode.DISABLED}  # noqa: RUF012 (as Gymnasium has it)

    def __init__(self, name: str, num_envs: int, options: dict[str, Any], limit: int | None):
        self.name, self.num_envs, self._options = name, num_envs, options
        self._pool = self._make(0)
        self.limit = limit or int(self._pool.config["max_episode_steps"])
        self._options = options | {"max_episode_steps": min(self.limit, NEVER - 1) + 1}
        self._elapsed = np.zeros(num_envs, np.int64)
        self._observation: Any = None
        with warnings.catch_warnings(action="ignore"):
            spaces = self._pool.observation_space, self._pool.action_space
        self._action_dtype = spaces[1].dtype
        self._set_spaces(*spaces)

    def adopt_spaces(self, observation_space: Space, action_space: Space) -> bool:
        """Use Gymnasium's spaces, which may differ in bounds; return False if they differ in more than that."""
        ours = (self.single_observation_space, self.single_action_space)
        if any(_kind(a) != _kind(b) for a, b in zip(ours, (observation_space, action_space), strict=True)):
            return False
        self._set_spaces(observation_space, action_space)
        return True

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        if options is not None:
            rows = np.flatnonzero(options["reset_mask"]).astype(np.int32)
            self._observation = tree_map(np.array, self._observation)

            def put(array: np.ndarray, first: np.ndarray) -> None:
                array[rows] = first

            tree_map(put, self._observation, self._pool.reset(rows)[0])
            self._elapsed[rows] = 0
            return self._observation, {}
        super().reset(seed=seed)
        self._pool.close()
        # EnvPool seeds its copies with consecutive numbers from this one on, as Gymnasium does.
        self._pool = self._make(int(self.np_random.integers(NEVER)) if seed is None else seed % NEVER)
        self._observation, info = self._pool.reset()
        self._elapsed[:] = 0
        return self._observation, info

    def step(self, actions: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        self._observation, reward, terminated, _, info = self._pool.step(actions.astype(self._action_dtype, copy=False))
        self._elapsed += 1
        return self._observation, reward, terminated, self._elapsed >= self.limit, info

    def close_extras(self, **kwargs: Any) -> None:
        self._pool.close()

    def render(self) -> Any:
        """Return an RGB array of each copy, if they were made with the option render_mode="rgb_array"."""
        return self._pool.render()

    def _make(self, seed: int) -> Any:
        how = {"env_type": "gymnasium", "num_envs": self.num_envs, "seed": seed, **self._options}
        try:
            with warnings.catch_warnings(action="ignore"):
                pool = _envpool().make(self.name, **how)
                assert pool.observation_space  # the first access warns about the precision of its bounds
                return pool
        except (AssertionError, TypeError, ValueError) as error:
            raise SandlotError(f"EnvPool's {self.name} does not take these options: {error}") from error

    def _set_spaces(self, observation_space: Space, action_space: Space) -> None:
        self.single_observation_space, self.single_action_space = observation_space, action_space
        self.observation_space = batch_space(observation_space, self.num_envs)
        self.action_space = batch_space(action_space, self.num_envs)


class PoolSingle(gymnasium.Env):
    """One copy of an environment that only EnvPool has."""

    def __init__(self, name: str, options: dict[str, Any]):
        self.vector, self.render_mode = PoolVector(name, 1, options, None), options.get("render_mode")
        self.observation_space = self.vector.single_observation_space
        self.action_space = self.vector.single_action_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return self._only(self.vector.reset(seed=seed)[0]), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, _ = self.vector.step(np.asarray(action)[None])
        return self._only(observation), float(reward[0]), bool(terminated[0]), bool(truncated[0]), {}

    def _only(self, observation: Any) -> Any:
        return tree_map(lambda leaf: leaf[0], observation)

    def render(self) -> Any:
        return self.vector.render()[0]

    def close(self) -> None:
        self.vector.close()


def _kind(space: Space) -> tuple[type, Any, Any]:
    """Return what must be equal in two spaces for them to be interchangeable."""
    exact = space.dtype if isinstance(space, gymnasium.spaces.Box) and space.dtype == np.uint8 else None
    return type(space), space.shape, getattr(space, "n", exact)


def _envpool() -> Any:
    with warnings.catch_warnings(action="ignore"):
        return importlib.import_module("envpool")
