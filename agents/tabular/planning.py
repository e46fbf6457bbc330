"""Dynamic programming in environments with known transitions: the exact answers that agents are compared with.

Source: Sutton & Barto, "Reinforcement learning: an introduction", 2nd edition, 2018, chapter 4.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from sandlot.envs import TransitionTable
from sandlot.tracking import SandlotError

GIVEN_UP_AFTER = 30_000
"""Env steps after which an episode is cut off, so that an endless one has a return (Atari's longest take 27,000)."""


class Plan(NamedTuple):
    """An optimal policy and its value function."""

    policy: Int[np.ndarray, "state"]
    value: Float[np.ndarray, "state"]


def action_values(
    table: TransitionTable, value: Float[np.ndarray, "state"], gamma: float = 1.0
) -> Float[np.ndarray, "state action"]:
    """Return Q(s, a) for the state values `value` (the maximand of S&B's equation 3.20).

    It is minus infinity where the action mask forbids the action.
    """
    after = table.reward + gamma * np.where(table.terminated, 0.0, value[table.next_state])
    return np.where(table.allowed, (table.probability * after).sum(-1), -np.inf)


def greedy(
    q_values: Float[np.ndarray, "*batch action"], action_mask: Bool[np.ndarray, "*batch action"] | None = None
) -> Int[np.ndarray, "*batch"]:
    """Return the allowed action of the highest value, the first in a tie."""
    return (q_values if action_mask is None else np.where(action_mask, q_values, -np.inf)).argmax(-1)


def value_iteration(table: TransitionTable, gamma: float, tolerance: float = 1e-10, sweeps: int = 100_000) -> Plan:
    """Return the optimal plan for episodes without a time limit (S&B, section 4.4).

    Raises `SandlotError` if the values don't converge: with `gamma` 1 they may be unbounded.
    """
    value = np.zeros(len(table.start))
    for _ in range(sweeps):
        q_values = action_values(table, value, gamma)
        before, value = value, q_values.max(1)
        if np.abs(value - before).max() < tolerance:
            return Plan(greedy(q_values), value)
    raise SandlotError(f"value iteration did not converge in {sweeps:,} sweeps; choose a gamma below {gamma}")


def policy_iteration(table: TransitionTable, gamma: float) -> Plan:
    """Return the optimal plan for episodes without a time limit (S&B, section 4.3). `gamma` must be below 1."""
    states = np.arange(len(table.start))
    policy = greedy(action_values(table, np.zeros(len(states)), gamma))
    while True:
        transition, reward = _policy_dynamics(table, policy)
        value = np.linalg.solve(np.eye(len(states)) - gamma * transition, reward)
        q_values = action_values(table, value, gamma)
        # Without the margin, rounding errors would let equally good policies alternate for ever.
        better = q_values.max(1) > q_values[states, policy] + 1e-10
        if not better.any():
            return Plan(policy, value)
        policy = np.where(better, greedy(q_values), policy)


def optimal_return(table: TransitionTable) -> float:
    """Return the highest expected return of an episode within the time limit.

    By backward induction over the env steps left: the optimal policy may depend on the time.
    """
    value = np.zeros(len(table.start))
    for _ in range(table.time_limit or GIVEN_UP_AFTER):
        before, value = value, action_values(table, value).max(1)
        if np.array_equal(value, before):
            break
    return float(table.start @ value)


def policy_return(table: TransitionTable, policy: Int[np.ndarray, "state"]) -> float:
    """Return the expected return of an episode of `policy` within the time limit."""
    if table.time_limit is None:
        return _return_by_squaring(table, policy)
    states = np.arange(len(policy))
    probability, next_state = table.probability[states, policy], table.next_state[states, policy].ravel()
    reward = (probability * table.reward[states, policy]).sum(1)
    continuing = np.where(table.terminated[states, policy], 0.0, probability)
    occupancy, total = table.start, 0.0
    for _ in range(table.time_limit):
        total += occupancy @ reward
        occupancy = np.bincount(next_state, (occupancy[:, None] * continuing).ravel(), len(policy))
        if not occupancy.any():
            break
    return float(total)


def _return_by_squaring(table: TransitionTable, policy: Int[np.ndarray, "state"]) -> float:
    """Return the expected return of GIVEN_UP_AFTER steps: the Bellman operator to that power, by repeated squaring."""
    transition, reward = _policy_dynamics(table, policy)
    value, steps = np.zeros(len(policy)), GIVEN_UP_AFTER
    while steps:
        if steps & 1:
            value = reward + transition @ value
        reward, transition, steps = reward + transition @ reward, transition @ transition, steps >> 1
    return float(table.start @ value)


def _policy_dynamics(
    table: TransitionTable, policy: Int[np.ndarray, "state"]
) -> tuple[Float[np.ndarray, "state next"], Float[np.ndarray, "state"]]:
    """Return the transition probabilities between states under `policy`, without terminations, and expected rewards."""
    states = np.arange(len(policy))
    probability, terminated = table.probability[states, policy], table.terminated[states, policy]
    transition = np.zeros((len(policy), len(policy)))
    np.add.at(transition, (states[:, None], table.next_state[states, policy]), np.where(terminated, 0.0, probability))
    return transition, (probability * table.reward[states, policy]).sum(1)
