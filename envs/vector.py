"""A vector environment, and the one place that handles how episodes end and restart."""

from collections.abc import Callable
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, VectorEnv
from gymnasium.vector.utils import create_empty_array
from jaxtyping import Bool, Float, Int

from sandlot.tracking import SandlotError

from .adapters import to_numpy
from .env_errors import NO_ANSWER, PROCESS_DIED, TIMEOUTS, WORKER_ERRORS, broken_row, describe_error, env_error
from .tree import tree_leaves, tree_map
from .wrappers import NONE, Wrappers

Observation = Any
"""An array, or a dict or tuple of arrays, with a leading environment axis."""


LIVES = "lives"
"""Key of the number of lives in `info` of Atari games."""
SUCCESS = ("is_success", "success")
"""Keys of `info` by which environments with goals tell success: at an episode's end, or in any of its steps."""


class Episodes(NamedTuple):
    """Returns, lengths and environments of episodes, and whether they succeeded, where environments tell."""

    returns: Float[np.ndarray, "episode"]
    lengths: Int[np.ndarray, "episode"]
    envs: Int[np.ndarray, "episode"]
    successes: Float[np.ndarray, "episode"] | None = None


class Step(NamedTuple):
    """The result of one step of a batch of environments.

    `reward`, `terminated` and `episode_start` are for learning: rewards are scaled and clipped, and the
    loss of a life ends an episode, if the wrappers say so. `episodes` are unmodified: whole games and raw returns.
    """

    observation: Observation
    """The observation for the next action."""
    next_observation: Observation
    """The final observation in rows where the episode ended, else `observation`."""
    reward: Float[np.ndarray, "env"]
    terminated: Bool[np.ndarray, "env"]
    truncated: Bool[np.ndarray, "env"]
    valid: Bool[np.ndarray, "env"]
    """False in rows that only reset: their action was ignored, and they are no transitions."""
    episode_start: Bool[np.ndarray, "env"]
    """True in rows whose `observation` is the first of an episode."""
    episodes: Episodes | None
    """The episodes that ended in this step; None if none did."""


class TransitionInfo(NamedTuple):
    """What vector environments of this package report as `info[TRANSITION_INFO]`; fields as in `Step`."""

    next_observation: Observation
    valid: Bool[np.ndarray, "env"]
    episode_start: Bool[np.ndarray, "env"]


TRANSITION_INFO = "_sandlot_transition"


class EnvBatch:
    """Several environments that step together, in any backend.

    Gymnasium's three autoreset modes look the same from outside. NEXT_STEP spends a step on the reset (`valid` is
    false there); SAME_STEP and DISABLED reset at once, and `next_observation` holds the final observations that
    `observation` no longer contains. Environments whose rows may wait for others report this themselves, by
    `TransitionInfo`. Where a life is lost but not the game, the next observation is both the last of one episode for
    the learner and the first of the next.
    """

    def __init__(self, env: VectorEnv, name: str, backend: str = "given", wrappers: Wrappers = NONE):
        self.env, self.name, self.backend = env, name, backend
        raw_reward = (wrappers.reward_scale, wrappers.reward_clip) == (1.0, 0.0)
        self._transform_reward = None if raw_reward else wrappers.transform_reward
        self._life_loss = wrappers.life_loss
        self.num_envs = env.num_envs
        self.observation_space: gymnasium.Space = env.single_observation_space
        self.action_space: gymnasium.Space = env.single_action_space
        self.groups: list[tuple[str, ...]] = getattr(env, "groups", [])
        self.game: Int[np.ndarray, env] = getattr(env, "game", np.arange(self.num_envs))
        """The game of each row's player; with one player, each row is its own game."""
        self._mode = _autoreset_mode(env)
        self._shape = env.observation_space.shape
        leaves = tree_leaves(create_empty_array(env.observation_space))
        self._has_floats = any(leaf.dtype.kind == "f" for leaf in leaves)
        self._seed: int | None = None
        self._steps, self._failed = 0, False
        self._none = np.zeros(self.num_envs, bool)
        self._all = np.ones(self.num_envs, bool)
        self._foreign = False
        """Whether `env` gives arrays of another library than NumPy."""
        self._clear()

    def reset(self, seed: int | None = None) -> Observation:
        """Start an episode in every environment and return the first observations."""
        self._seed, self._steps = seed, 0
        self._clear()
        observation, info = self._call(self.env.reset, seed=seed)
        self._foreign = not all(isinstance(leaf, np.ndarray) for leaf in tree_leaves(observation))
        if self._foreign:
            observation = to_numpy(observation)
        self._check(observation)
        self._lives = info.get(LIVES)
        return observation

    def step(self, action: Any) -> Step:
        """Step every environment. Raises `SandlotError` if one fails or returns NaN or infinite values."""
        self._steps += 1
        observation, reward, terminated, truncated, info = self._call(self.env.step, action)
        if self._foreign:
            observation, reward, terminated, truncated = map(to_numpy, (observation, reward, terminated, truncated))
        done = terminated | truncated
        ended = np.count_nonzero(done) > 0
        next_observation, episode_start, valid = observation, self._none, self._all
        if TRANSITION_INFO in info:
            next_observation, valid, episode_start = info[TRANSITION_INFO]
            self._started_at += ~valid
        elif self._mode is AutoresetMode.NEXT_STEP:
            if self._resetting is not None:
                episode_start, valid = self._resetting, ~self._resetting
            self._resetting = done if ended else None
        elif ended:
            episode_start = done
            if self._mode is AutoresetMode.SAME_STEP:
                next_observation = _with_final_observations(observation, info["final_obs"], done)
            else:
                next_observation = tree_map(np.array, observation)
                observation, _ = self._call(self.env.reset, options={"reset_mask": done})
                observation = to_numpy(observation) if self._foreign else observation
        self._check(observation, reward)
        if next_observation is not observation:
            self._check(next_observation)
        self._returns += reward
        success = self._success(info)
        episodes = self._pop_episodes(done, success) if ended else None
        if self._transform_reward is not None:
            reward = self._transform_reward(reward)
        if self._life_loss and LIVES in info:
            lost = (info[LIVES] < self._lives) & valid & ~done
            terminated, episode_start, self._lives = terminated | lost, episode_start | lost, info[LIVES]
        return Step(observation, next_observation, reward, terminated, truncated, valid, episode_start, episodes)

    @property
    def unfinished(self) -> Episodes:
        """The episodes still running, with their returns and lengths so far."""
        return Episodes(self._returns, np.maximum(self._steps - self._started_at, 0), np.arange(self.num_envs))

    def close(self) -> None:
        """Close the environments and stop their processes, even dead ones."""
        if self._failed and isinstance(self.env, AsyncVectorEnv):
            # Its own close would wait for answers that a dead process never sends.
            for process in self.env.processes:
                process.kill()
                process.join()
        else:
            self.env.close()

    def _call(self, method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        try:
            return method(*arguments, **options)
        except SandlotError:
            raise
        except Exception as error:
            self._failed = True
            if isinstance(error, TIMEOUTS) and isinstance(self.env, AsyncVectorEnv):
                what = NO_ANSWER
            else:
                what = PROCESS_DIED if isinstance(error, WORKER_ERRORS) else f"failed: {describe_error(error)}"
            raise env_error(self.name, what, None, self._seed, self._steps) from error

    def _check(self, observation: Observation, reward: np.ndarray | None = None) -> None:
        if self._shape is not None and np.shape(observation) != self._shape:
            what = f"gave observations of the shape {np.shape(observation)}, not {self._shape}"
            raise env_error(self.name, what, None, self._seed, self._steps)
        for what, arrays in (("an observation", observation if self._has_floats else None), ("a reward", reward)):
            row = None if arrays is None else broken_row(arrays)
            if row is not None:
                raise env_error(self.name, f"gave {what} that is NaN or infinite", row, self._seed, self._steps)

    def _clear(self) -> None:
        self._resetting: np.ndarray | None = None
        self._returns = np.zeros(self.num_envs)
        self._succeeded = np.zeros(self.num_envs)
        self._started_at = np.zeros(self.num_envs, np.int64)
        """The step count at which each episode started."""

    def _success(self, info: dict[str, Any]) -> np.ndarray | None:
        """Return whether the episode of each row has succeeded so far, as the step's `info` tells; None if it doesn't.

        Where copies reset in the step that ends an episode, its last info is in `final_info`.
        """
        if not isinstance(info, dict):
            return None
        final_info = info.get("final_info")
        for key in SUCCESS:
            value = final_info[key] if isinstance(final_info, dict) and key in final_info else info.get(key)
            if value is not None:
                if np.shape(value) != (self.num_envs,):
                    return None
                value = np.asarray(value, float)
                if key == "success":  # told in each step: an episode succeeds that ever did (Meta-World)
                    self._succeeded = value = np.maximum(self._succeeded, value)
                return value
        return None

    def _pop_episodes(self, done: Bool[np.ndarray, "env"], success: np.ndarray | None) -> Episodes:
        (envs,) = done.nonzero()
        succeeded = None if success is None else success[envs]
        self._succeeded[envs] = 0.0
        episodes = Episodes(self._returns[envs], self._steps - self._started_at[envs], envs, succeeded)
        self._returns[envs] = 0.0
        self._started_at[envs] = self._steps + (self._mode is AutoresetMode.NEXT_STEP)
        return episodes


def _autoreset_mode(env: VectorEnv) -> AutoresetMode:
    mode = env.metadata.get("autoreset_mode")
    if not isinstance(mode, AutoresetMode):
        if type(env).__module__.startswith("supersuit."):
            raise SandlotError("give the game itself by module:name and SuperSuit's wrappers by --wrapper, such as "
                               "--wrapper supersuit:frame_stack_v1, not SuperSuit's vector environment")  # fmt: skip
        raise SandlotError(
            f"{env} does not declare how its episodes restart; "
            "set its metadata['autoreset_mode'] to a gymnasium.vector.AutoresetMode"
        )
    return mode


def _with_final_observations(
    observation: Observation, final_observations: Any, done: Bool[np.ndarray, "env"]
) -> Observation:
    """Return `observation` with the rows in `done` taken from `final_observations`, Gymnasium's `info["final_obs"]`."""
    result = tree_map(np.array, observation)
    for row in np.flatnonzero(done).tolist():

        def put(array: np.ndarray, value: Any, row: int = row) -> None:
            array[row] = value

        one_each = isinstance(final_observations, np.ndarray) and final_observations.dtype == object
        tree_map(
            put,
            result,
            final_observations[row] if one_each else tree_map(lambda leaf, row=row: leaf[row], final_observations),
        )
    return result
