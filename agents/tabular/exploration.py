"""How agents with a table explore, and how what they explore and learn with falls over a run.

Source: Sutton & Barto, "Reinforcement learning: an introduction", 2nd edition, 2018, sections 2.2 to 2.8.
"""

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

AnnealSchedule = Literal["constant", "linear", "exponential"]
Worth = Float[np.ndarray, "batch action"]
"""Action values, minus infinity where the mask forbids the action."""


def annealed(first: float, last: float, how: AnnealSchedule, fraction: float) -> float:
    """Return what `first` has fallen to when `fraction` of its way to `last` is done."""
    if how == "constant":
        return first
    fraction = min(fraction, 1.0)
    if how == "linear":
        return first + (last - first) * fraction
    return first * (last / first) ** fraction


def legal(worth: Worth, allowed: Bool[np.ndarray, "batch action"] | None) -> Worth:
    """Return `worth` with minus infinity in place of what is forbidden."""
    return worth if allowed is None else np.where(allowed, worth, -np.inf)


def draw_epsilon_greedy(worth: Worth, epsilon: float, rng: np.random.Generator) -> Int[np.ndarray, "batch"]:
    """Draw one of the best actions, or with the chance `epsilon` any legal one."""
    candidates = worth == worth.max(1, keepdims=True)
    draws = rng.random((len(worth), worth.shape[1] + 1))
    if epsilon > 0:
        candidates |= (draws[:, -1:] < epsilon) & (worth > -np.inf)
    return (draws[:, :-1] + candidates).argmax(1)  # a candidate has at least 1, the others less


def draw_softmax(worth: Worth, temperature: float, rng: np.random.Generator) -> Int[np.ndarray, "batch"]:
    """Draw actions with probabilities in proportion to exp(worth / temperature), by Gumbel's trick."""
    return (worth / temperature + rng.gumbel(size=worth.shape)).argmax(1)


def epsilon_greedy_policy(worth: Worth, epsilon: float) -> Float[np.ndarray, "batch action"]:
    """Return the probabilities that `draw_epsilon_greedy` draws with."""
    best, possible = worth == worth.max(1, keepdims=True), worth > -np.inf
    return (1 - epsilon) * best / best.sum(1, keepdims=True) + epsilon * possible / possible.sum(1, keepdims=True)


def softmax_policy(worth: Worth, temperature: float) -> Float[np.ndarray, "batch action"]:
    """Return the probabilities that `draw_softmax` draws with."""
    weight = np.exp((worth - worth.max(1, keepdims=True)) / temperature)
    return weight / weight.sum(1, keepdims=True)
