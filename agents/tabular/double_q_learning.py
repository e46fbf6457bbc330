"""Double Q-learning: two tables, one to select the best next action and the other to evaluate it.

Source: van Hasselt, "Double Q-learning", 2010; Sutton & Barto, "Reinforcement learning: an introduction",
2nd edition, 2018 (S&B), section 6.7.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Unpack

import numpy as np
from jaxtyping import Float

from sandlot.agents.base import EnvLike
from sandlot.agents.keywords import DoubleQLearningKeywords
from sandlot.envs import Step

from .agent import TabularAgent
from .config import TabularConfig
from .exploration import QValues, mask_q_values
from .planning import greedy
from .td import TabularTransition


@dataclass(frozen=True, kw_only=True)
class DoubleQLearningConfig(TabularConfig):
    """Hyperparameters of double Q-learning."""


def double_q_value(q1: QValues, q2: QValues) -> Float[np.ndarray, "batch"]:
    """Return Q₂(S', argmax_a Q₁(S', a)), the bootstrap value of S&B's equation 6.10."""
    return q2[np.arange(len(q2)), greedy(q1)]


class DoubleQLearning(TabularAgent):
    """Learn the values of the greedy policy without Q-learning's maximization bias.

    Example:
        >>> agent = DoubleQLearning("FrozenLake-v1", seed=1, epsilon=0.3).learn(400_000)
        >>> action, _ = agent.predict(0, deterministic=True)
    """

    name = "double-q-learning"
    Config = DoubleQLearningConfig
    num_tables = 2

    def __init__(
        self,
        env: EnvLike,
        *,
        seed: int = 0,
        config: DoubleQLearningConfig | None = None,
        **options: Unpack[DoubleQLearningKeywords],
    ):
        super().__init__(env, seed=seed, config=config, **options)

    def observe(self, step: Step) -> Mapping[str, float] | None:
        """Update Q₁(S, A) ← Q₁(S, A) + α [R + γ Q₂(S', argmax_a Q₁(S', a)) − Q₁(S, A)], and choose the next action.

        For each environment, a coin flip says which of the tables is Q₁.
        """
        self.anneal()
        next_state, next_mask = self.state_index.encode(step.next_observation)
        first = self.rng.integers(2, size=len(next_state))
        q1, q2 = self.table.q[first, next_state], self.table.q[1 - first, next_state]
        next_value = np.where(step.terminated, 0.0, double_q_value(mask_q_values(q1, next_mask), q2))
        entry = self.table.entry(self.current_state, self.current_action, first)
        done = step.terminated | step.truncated
        td_error = self.td.update(self.table, TabularTransition(entry, step.reward, next_value, step.valid, done))
        self.choose_next_action(step, next_state, next_mask)
        return self.metrics_if_due(td_error)
