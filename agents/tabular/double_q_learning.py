"""Double Q-learning: two tables, one to choose the best action and one to judge it.

Source: van Hasselt, "Double Q-learning", 2010; Sutton & Barto, "Reinforcement learning: an introduction",
2nd edition, 2018 (S&B), section 6.7.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from .agent import Allowed, TabularAgent, TabularConfig
from .exploration import Worth, legal
from .planning import greedy


@dataclass(frozen=True, kw_only=True)
class DoubleQLearningConfig(TabularConfig):
    """Hyperparameters of double Q-learning."""


def judged_value(chooser: Worth, judge: Worth) -> Float[np.ndarray, "batch"]:
    """Return Q2(S', argmax_a Q1(S', a)), the bootstrap of S&B's equation 6.10."""
    return judge[np.arange(len(judge)), greedy(chooser)]


class DoubleQLearning(TabularAgent):
    """Learn the values of the greedy policy without Q-learning's bias towards what looked good by chance."""

    name = "double-q-learning"
    Config = DoubleQLearningConfig
    tables = 2

    def next_value(self, state: Int[np.ndarray, "env"], allowed: Allowed) -> Float[np.ndarray, "env"]:
        self._table = self.rng.integers(2, size=len(state))
        return judged_value(legal(self.q[self._table, state], allowed), self.q[1 - self._table, state])
