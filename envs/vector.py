"""A batch of environments, and the one place that knows how episodes end and begin again."""

from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from jaxtyping import Bool, Float, Int

from tracking import SandlotError

from .tree import tree_map

Observation = Any
"""An array, or a dict or tuple of arrays, with the environments as first axis."""


class Episodes(NamedTuple):
    """Episodes that have just ended."""

    returns: Float[np.ndarray, "episode"]
    lengths: Int[np.ndarray, "episode"]
    envs: Int[np.ndarray, "episode"]


class Step(NamedTuple):
    """What one step of a batch of environments gave."""

    observation: Observation
    """What to act on next."""
    next_observation: Observation
    """Where the actions led: the final observation in rows where the episode ended, else `observation`."""
    reward: Float[np.ndarray, "env"]
    terminated: Bool[np.ndarray, "env"]
    truncated: Bool[np.ndarray, "env"]
    acted: Bool[np.ndarray, "env"]
    """False in rows that only reset: there the action was ignored, and nothing is to be learned."""
    start: Bool[np.ndarray, "env"]
    """True in rows whose `observation` is the first of an episode."""
    episodes: Episodes | None
    """The episodes that ended with this step, if any did."""


class Truth(NamedTuple):
    """What one of our own environments tells of its rows, as `info[TRUTH]`; see `Step`."""

    next_observation: Observation
    acted: Bool[np.ndarray, "env"]
    start: Bool[np.ndarray, "env"]


TRUTH = "truth"


class EnvBatch:
    """Several environments that step together, whichever backend runs them.

    Gymnasium's three ways of starting the next episode look the same from here. NEXT_STEP spends a step on
    the reset (`acted` is false there); SAME_STEP and DISABLED reset at once, and then `next_observation`
    holds the final observations that `observation` no longer shows. Environments with rows that wait while others
    go on say themselves what is what, by `Truth`.
    """

    def __init__(self, env: VectorEnv, name: str, backend: str = "given"):
        self.env, self.name, self.backend = env, name, backend
        self.num_envs = env.num_envs
        self.observation_space: gymnasium.Space = env.single_observation_space
        self.action_space: gymnasium.Space = env.single_action_space
        self.groups: list[tuple[str, ...]] = getattr(env, "groups", [])
        self.game: Int[np.ndarray, env] = getattr(env, "game", np.arange(self.num_envs))
        """The game that each row is a player of; a row is a game of its own where there is one player."""
        self._mode = _autoreset_mode(env)
        self._none = np.zeros(self.num_envs, bool)
        self._all = np.ones(self.num_envs, bool)
        self._clear()

    def reset(self, seed: int | None = None) -> Observation:
        """Start an episode in every environment and return the first observations."""
        self._clear()
        return self.env.reset(seed=seed)[0]

    def step(self, action: Any) -> Step:
        """Act in every environment."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        done = terminated | truncated
        ended = bool(done.any())
        next_observation, start, acted = observation, self._none, self._all
        if TRUTH in info:
            next_observation, acted, start = info[TRUTH]
        elif self._mode is AutoresetMode.NEXT_STEP:
            if self._resetting.any():
                start, acted = self._resetting, ~self._resetting
            self._resetting = done
        elif ended:
            start = done
            if self._mode is AutoresetMode.SAME_STEP:
                next_observation = _with_finals(observation, info["final_obs"], done)
            else:
                next_observation = tree_map(np.array, observation)
                observation, _ = self.env.reset(options={"reset_mask": done})
        self._returns += reward
        self._lengths += acted
        episodes = self._take(done) if ended else None
        return Step(observation, next_observation, reward, terminated, truncated, acted, start, episodes)

    @property
    def unfinished(self) -> Episodes:
        """The episodes that go on, as far as they have come."""
        return Episodes(self._returns, self._lengths, np.arange(self.num_envs))

    def close(self) -> None:
        """Free what the environments hold."""
        self.env.close()

    def _clear(self) -> None:
        self._resetting = self._none
        self._returns = np.zeros(self.num_envs)
        self._lengths = np.zeros(self.num_envs, np.int64)

    def _take(self, done: Bool[np.ndarray, "env"]) -> Episodes:
        envs = np.flatnonzero(done)
        episodes = Episodes(self._returns[envs], self._lengths[envs], envs)
        self._returns[envs] = 0.0
        self._lengths[envs] = 0
        return episodes


def _autoreset_mode(env: VectorEnv) -> AutoresetMode:
    mode = env.metadata.get("autoreset_mode")
    if not isinstance(mode, AutoresetMode):
        raise SandlotError(
            f"{env} doesn't say how its episodes restart; "
            "set its metadata['autoreset_mode'] to a gymnasium.vector.AutoresetMode"
        )
    return mode


def _with_finals(observation: Observation, finals: Any, done: Bool[np.ndarray, "env"]) -> Observation:
    """Return `observation` with the rows in `done` taken from `finals`, Gymnasium's `info["final_obs"]`."""
    result = tree_map(np.array, observation)
    for row in np.flatnonzero(done).tolist():

        def put(array: np.ndarray, value: Any, row: int = row) -> None:
            array[row] = value

        one_each = isinstance(finals, np.ndarray) and finals.dtype == object
        tree_map(put, result, finals[row] if one_each else tree_map(lambda leaf, row=row: leaf[row], finals))
    return result
