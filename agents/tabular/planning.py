"""Exact planning in environments whose transitions are known: the yardstick for agents that learn.

Source: Sutton & Barto, "Reinforcement learning: an introduction", 2nd edition, 2018, chapter 4.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from sandlot.envs import TransitionTable
from sandlot.tracking import SandlotError

GIVEN_UP_AFTER = 30_000
"""Env steps after which an episode is given up, so that one without end has a return (Atari's longest take 27,000)."""


class Plan(NamedTuple):
    """What is best, and how good it is."""

    policy: Int[np.ndarray, "state"]
    value: Float[np.ndarray, "state"]


def action_values(
    table: TransitionTable, value: Float[np.ndarray, "state"], gamma: float = 1.0
) -> Float[np.ndarray, "state action"]:
    """Return the worth of each action if `value` is that of the states after it (S&B's equation 3.20, inside).

    An action that the mask forbids is worth minus infinity.
    """
    after = table.reward + gamma * np.where(table.terminated, 0.0, value[table.next_state])
    return np.where(table.allowed, (table.probability * after).sum(-1), -np.inf)


def greedy(
    action_value: Float[np.ndarray, "*batch action"], allowed: Bool[np.ndarray, "*batch action"] | None = None
) -> Int[np.ndarray, "*batch"]:
    """Return the best of the allowed actions, the first of those that are equally good."""
    return (action_value if allowed is None else np.where(allowed, action_value, -np.inf)).argmax(-1)


def value_iteration(table: TransitionTable, gamma: float, tolerance: float = 1e-10, sweeps: int = 100_000) -> Plan:
    """Return the optimum for episodes without a time limit (S&B, section 4.4).

    Raises `SandlotError` if the values don't settle: with `gamma` 1 they may have no bound.
    """
    value = np.zeros(len(table.start))
    for _ in range(sweeps):
        worth = action_values(table, value, gamma)
        before, value = value, worth.max(1)
        if np.abs(value - before).max() < tolerance:
            return Plan(greedy(worth), value)
    raise SandlotError(f"value iteration did not settle in {sweeps:,} sweeps; give a gamma below {gamma}")


def policy_iteration(table: TransitionTable, gamma: float) -> Plan:
    """Return the optimum for episodes without a time limit (S&B, section 4.3). Wants `gamma` below 1."""
    states = np.arange(len(table.start))
    policy = greedy(action_values(table, np.zeros(len(states)), gamma))
    while True:
        transition, reward = _under(table, policy)
        value = np.linalg.solve(np.eye(len(states)) - gamma * transition, reward)
        worth = action_values(table, value, gamma)
        # An action that is better by a rounding error only would let equal policies take turns for ever.
        better = worth.max(1) > worth[states, policy] + 1e-10
        if not better.any():
            return Plan(policy, value)
        policy = np.where(better, greedy(worth), policy)


def optimum(table: TransitionTable) -> float:
    """Return the highest return that can be expected of an episode within the time limit.

    Backward induction over the env steps that are left: the best policy may heed the clock.
    """
    value = np.zeros(len(table.start))
    for _ in range(table.time_limit or GIVEN_UP_AFTER):
        before, value = value, action_values(table, value).max(1)
        if np.array_equal(value, before):
            break
    return float(table.start @ value)


def policy_return(table: TransitionTable, policy: Int[np.ndarray, "state"]) -> float:
    """Return the return that is expected of an episode of `policy` within the time limit."""
    if table.time_limit is None:
        return _return_by_squaring(table, policy)
    states = np.arange(len(policy))
    probability, next_state = table.probability[states, policy], table.next_state[states, policy].ravel()
    reward = (probability * table.reward[states, policy]).sum(1)
    onward = np.where(table.terminated[states, policy], 0.0, probability)
    here, total = table.start, 0.0
    for _ in range(table.time_limit):
        total += here @ reward
        here = np.bincount(next_state, (here[:, None] * onward).ravel(), len(policy))
        if not here.any():
            break
    return float(total)


def _return_by_squaring(table: TransitionTable, policy: Int[np.ndarray, "state"]) -> float:
    """Return the expected return of GIVEN_UP_AFTER steps: the map from values to values, by repeated squaring."""
    transition, reward = _under(table, policy)
    value, steps = np.zeros(len(policy)), GIVEN_UP_AFTER
    while steps:
        if steps & 1:
            value = reward + transition @ value
        reward, transition, steps = reward + transition @ reward, transition @ transition, steps >> 1
    return float(table.start @ value)


def _under(
    table: TransitionTable, policy: Int[np.ndarray, "state"]
) -> tuple[Float[np.ndarray, "state next"], Float[np.ndarray, "state"]]:
    """Return the probabilities of going on from state to state under `policy`, and the rewards expected."""
    states = np.arange(len(policy))
    probability, terminated = table.probability[states, policy], table.terminated[states, policy]
    transition = np.zeros((len(policy), len(policy)))
    np.add.at(transition, (states[:, None], table.next_state[states, policy]), np.where(terminated, 0.0, probability))
    return transition, (probability * table.reward[states, policy]).sum(1)
