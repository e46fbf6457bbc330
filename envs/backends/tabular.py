"""Environments with known transition probabilities: as arrays, and as a vector environment."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium import Space, spaces
from gymnasium.envs.toy_text.cliffwalking import CliffWalkingEnv
from gymnasium.envs.toy_text.frozen_lake import FrozenLakeEnv
from gymnasium.envs.toy_text.taxi import TaxiEnv
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker, TimeLimit
from jaxtyping import Bool, Float, Int

from sandlot.envs.action_masks import MASK, REST, ShowMask

TABULAR_ENVS = (CliffWalkingEnv, FrozenLakeEnv, TaxiEnv)
"""Environments that `P` describes completely."""
TRANSPARENT_WRAPPERS = (OrderEnforcing, PassiveEnvChecker, ShowMask, TimeLimit)


class TransitionTable(NamedTuple):
    """The model of an MDP: for each state and action, the outcomes and their probabilities."""

    probability: Float[np.ndarray, "state action outcome"]
    next_state: Int[np.ndarray, "state action outcome"]
    reward: Float[np.ndarray, "state action outcome"]
    terminated: Bool[np.ndarray, "state action outcome"]
    start: Float[np.ndarray, "state"]
    """Probability that an episode starts in each state."""
    allowed: Bool[np.ndarray, "state action"]
    """Legal actions; all, where there is no action mask."""
    time_limit: int | None = None
    """Env steps after which an episode is truncated; None for no limit."""


def table_from(
    transitions: Mapping[Any, Mapping[Any, list[tuple[float, Any, float, bool]]]],
    start: Float[np.ndarray, "state"],
    *,
    allowed: Bool[np.ndarray, "state action"] | None = None,
    time_limit: int | None = None,
) -> TransitionTable:
    """Return the table of `transitions`, where `P[s][a]` lists (probability, next state, reward, terminated)."""
    states, actions = len(transitions), len(transitions[0])
    outcomes = max(len(outcomes) for row in transitions.values() for outcomes in row.values())
    shape = (states, actions, outcomes)
    probability, reward = np.zeros(shape), np.zeros(shape)
    next_state, terminated = np.zeros(shape, np.int64), np.zeros(shape, bool)
    for s, row in transitions.items():
        for a, found in row.items():
            for k, (p, s_next, r, end) in enumerate(found):
                probability[s, a, k], next_state[s, a, k], reward[s, a, k], terminated[s, a, k] = p, s_next, r, end
    allowed = np.ones((states, actions), bool) if allowed is None else allowed
    return TransitionTable(probability, next_state, reward, terminated, np.asarray(start, float), allowed, time_limit)


def read_table(env: gymnasium.Env) -> TransitionTable | None:
    """Return the table of `env` from `P` and `initial_state_distrib`, as in Gymnasium's toy text; None without them."""
    core: Any = env.unwrapped
    transitions, start = getattr(core, "P", None), getattr(core, "initial_state_distrib", None)
    if not isinstance(transitions, dict) or start is None or getattr(core, "fickle_passenger", False):
        return None
    shown = _without_mask(env.observation_space)
    if not isinstance(shown, spaces.Discrete) or shown.start or int(shown.n) != len(transitions):
        return None
    if not isinstance(env.action_space, spaces.Discrete) or int(env.action_space.n) != len(transitions[0]):
        return None
    allowed = None
    if shown is not env.observation_space:
        if not hasattr(core, "action_mask"):
            return None
        allowed = np.array([core.action_mask(s) for s in range(len(transitions))], bool)
    limit = env.spec.max_episode_steps if env.spec is not None else None
    return table_from(transitions, start, allowed=allowed, time_limit=limit)


def tabular_vector(env: gymnasium.Env, num_envs: int) -> "TabularVectorEnv | None":
    """Return `num_envs` copies of `env` simulated by its table, or None if the table is not the same task."""
    layer = env
    while isinstance(layer, gymnasium.Wrapper):
        if not isinstance(layer, TRANSPARENT_WRAPPERS):
            return None
        layer = layer.env
    table = read_table(env) if type(layer) in TABULAR_ENVS else None
    return None if table is None else TabularVectorEnv(table, num_envs, env.observation_space, env.action_space)


def table_of(env: VectorEnv) -> TransitionTable | None:
    """Return the transition table of the copies in `env`, or None if it is unknown."""
    if isinstance(env, TabularVectorEnv):
        return env.table
    return read_table(env.envs[0]) if isinstance(env, SyncVectorEnv) else None


class TabularVectorEnv(VectorEnv):
    """Copies of an environment simulated by its transition table, with a few array operations for all of them.

    Ended episodes are restarted by `reset(options={"reset_mask": …})`.
    """

    metadata = {"autoreset_mode": AutoresetMode.DISABLED}  # noqa: RUF012 (as Gymnasium has it)

    def __init__(self, table: TransitionTable, num_envs: int, observation_space: Space, action_space: Space):
        self.table, self.num_envs = table, num_envs
        self.single_observation_space, self.single_action_space = observation_space, action_space
        self.observation_space = gymnasium.vector.utils.batch_space(observation_space, num_envs)
        self.action_space = gymnasium.vector.utils.batch_space(action_space, num_envs)
        self._actions, self._outcomes = table.probability.shape[1:]
        self._next_state, self._reward = table.next_state.ravel(), table.reward.ravel()
        self._terminated = table.terminated.ravel()
        self._threshold = _thresholds(table.probability).reshape(-1, self._outcomes)
        self._start_threshold = _thresholds(table.start)
        self._mask = (
            table.allowed.astype(np.int8) if _without_mask(observation_space) is not observation_space else None
        )
        self._state = np.zeros(num_envs, np.int64)
        self._elapsed = np.zeros(num_envs, np.int64)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        rows = np.flatnonzero(options["reset_mask"]) if options else slice(None)
        draws = self.np_random.random(self._state[rows].shape)
        self._state = self._state.copy()
        self._state[rows] = np.searchsorted(self._start_threshold, draws, side="right")
        self._elapsed[rows] = 0
        return self._observation(), {}

    def step(self, actions: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        outcome = self._state * self._actions + actions
        if self._outcomes > 1:
            draws = self.np_random.random((self.num_envs, 1))
            outcome = outcome * self._outcomes + (draws >= self._threshold[outcome]).sum(1)
        self._state = self._next_state[outcome]
        self._elapsed += 1
        limit = self.table.time_limit
        truncated = np.zeros(self.num_envs, bool) if limit is None else self._elapsed >= limit
        return self._observation(), self._reward[outcome], self._terminated[outcome], truncated, {}

    def _observation(self) -> Any:
        return self._state if self._mask is None else {MASK: self._mask[self._state], REST: self._state}


def _thresholds(probability: Float[np.ndarray, "*rows outcome"]) -> Float[np.ndarray, "*rows outcome"]:
    """Return the cumulative probabilities; those of 1 become 2, so that no draw rounds past the last outcome."""
    bounds = probability.cumsum(-1)
    bounds[bounds > 1 - 1e-12] = 2.0
    return bounds


def _without_mask(space: Space) -> Any:
    """Return the observation space without the action mask, if there is one."""
    return space[REST] if isinstance(space, spaces.Dict) and set(space.spaces) == {MASK, REST} else space
