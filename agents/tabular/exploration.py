"""Policies that explore over action values, and how exploration is annealed over a run.

Source: Sutton & Barto, "Reinforcement learning: an introduction", 2nd edition, 2018, sections 2.2 to 2.8.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Bool, Float, Int

AnnealSchedule = Literal["constant", "linear", "exponential"]
QValues = Float[np.ndarray, "batch action"]
"""Action values, minus infinity where the action mask forbids the action."""
ActionMask = Bool[np.ndarray, "batch action"] | None
"""Which actions are allowed; None: all."""


def annealed(initial: float, final: float, schedule: AnnealSchedule, fraction: float) -> float:
    """Return a coefficient's value when `fraction` of the way from `initial` to `final` is done."""
    if schedule == "constant":
        return initial
    fraction = min(fraction, 1.0)
    if schedule == "linear":
        return initial + (final - initial) * fraction
    return initial * (final / initial) ** fraction


def mask_q_values(q_values: QValues, action_mask: ActionMask) -> QValues:
    """Return `q_values` with minus infinity in place of forbidden actions."""
    return q_values if action_mask is None else np.where(action_mask, q_values, -np.inf)


class Exploration(ABC):
    """A stochastic policy over action values that explores less as a run goes on.

    Args:
        initial: The coefficient (ε or temperature) at the start.
        final: The coefficient at the end, unless the schedule is constant.
        schedule: How it changes from one to the other.
        fraction: The fraction of the run that this takes.
    """

    coefficient: ClassVar[str]
    """What `value` is called."""

    def __init__(
        self, initial: float, final: float = 0.0, schedule: AnnealSchedule = "constant", fraction: float = 1.0
    ):
        self.initial, self.final, self.fraction = initial, final, fraction
        self.schedule: AnnealSchedule = schedule
        self.value = initial

    def anneal(self, progress: float) -> None:
        """Set the coefficient to its value after the fraction `progress` of the run."""
        self.value = annealed(self.initial, self.final, self.schedule, progress / self.fraction)

    @abstractmethod
    def sample(self, q_values: QValues, rng: np.random.Generator) -> Int[np.ndarray, "batch"]:
        """Return an action for each row."""

    @abstractmethod
    def probabilities(self, q_values: QValues) -> Float[np.ndarray, "batch action"]:
        """Return the probabilities with which `sample` draws actions."""


class EpsilonGreedy(Exploration):
    """Take the best action, or with probability ε any allowed one."""

    coefficient = "epsilon"

    def sample(self, q_values: QValues, rng: np.random.Generator) -> Int[np.ndarray, "batch"]:
        candidates = q_values == q_values.max(1, keepdims=True)
        draws = rng.random((len(q_values), q_values.shape[1] + 1))
        if self.value > 0:
            candidates |= (draws[:, -1:] < self.value) & (q_values > -np.inf)
        return (draws[:, :-1] + candidates).argmax(1)  # a candidate has at least 1, the others less

    def probabilities(self, q_values: QValues) -> Float[np.ndarray, "batch action"]:
        best, allowed = q_values == q_values.max(1, keepdims=True), q_values > -np.inf
        epsilon = self.value
        return (1 - epsilon) * best / best.sum(1, keepdims=True) + epsilon * allowed / allowed.sum(1, keepdims=True)


class Softmax(Exploration):
    """Take actions with probabilities in proportion to exp(Q / temperature) (Boltzmann exploration)."""

    coefficient = "temperature"

    def sample(self, q_values: QValues, rng: np.random.Generator) -> Int[np.ndarray, "batch"]:
        return (q_values / self.value + rng.gumbel(size=q_values.shape)).argmax(1)  # the Gumbel-max trick

    def probabilities(self, q_values: QValues) -> Float[np.ndarray, "batch action"]:
        weight = np.exp((q_values - q_values.max(1, keepdims=True)) / self.value)
        return weight / weight.sum(1, keepdims=True)
