"""Q-learning, with n-step returns or eligibility traces if asked for.

Source: Watkins, "Learning from delayed rewards", 1989; Sutton & Barto, "Reinforcement learning: an
introduction", 2nd edition, 2018 (S&B), sections 6.5, 7.5 and 12.10.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from .agent import Allowed, MultiStepConfig, TabularAgent
from .exploration import Worth
from .td import OneStep


@dataclass(frozen=True, kw_only=True)
class QLearningConfig(MultiStepConfig):
    """Hyperparameters of Q-learning. Returns and traces end at actions that are not greedy (Watkins's Q(λ))."""


def best_value(worth: Worth) -> Float[np.ndarray, "batch"]:
    """Return max_a Q(S', a), the bootstrap of S&B's equation 6.8."""
    return worth.max(1)


class QLearning(TabularAgent):
    """Learn the values of the greedy policy while exploring."""

    name = "q-learning"
    Config = QLearningConfig

    def next_value(self, state: Int[np.ndarray, "env"], allowed: Allowed) -> Float[np.ndarray, "env"]:
        return best_value(self.worth(state, allowed))

    def _cut(self) -> tuple[Bool[np.ndarray, "env"] | None, Float[np.ndarray, "env"] | None]:
        if isinstance(self.credit, OneStep):
            return None, None
        worth = self.worth(self._state, self._allowed)
        best = best_value(worth)
        return worth[np.arange(len(worth)), self._action] < best, best
