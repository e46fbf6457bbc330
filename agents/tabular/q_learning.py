"""Q-learning, optionally with n-step returns or eligibility traces.

Source: Watkins, "Learning from delayed rewards", 1989; Sutton & Barto, "Reinforcement learning: an
introduction", 2nd edition, 2018 (S&B), sections 6.5, 7.5 and 12.10.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Unpack

import numpy as np
from jaxtyping import Bool, Float

from sandlot.agents.base import EnvLike
from sandlot.agents.keywords import QLearningKeywords
from sandlot.envs import Step

from .agent import TabularAgent
from .config import MultiStepConfig
from .exploration import QValues
from .td import TabularTransition


@dataclass(frozen=True, kw_only=True)
class QLearningConfig(MultiStepConfig):
    """Hyperparameters of Q-learning. Returns and traces end at actions that are not greedy (Watkins's Q(λ))."""


def max_q_value(q_values: QValues) -> Float[np.ndarray, "batch"]:
    """Return max_a Q(S', a), the bootstrap value of S&B's equation 6.8."""
    return q_values.max(1)


class QLearning(TabularAgent):
    """Learn the values of the greedy policy while another one explores.

    Example:
        >>> agent = QLearning("FrozenLake-v1", seed=1, epsilon=0.3).learn(200_000)
        >>> action, _ = agent.predict(0, deterministic=True)
    """

    name = "q-learning"
    Config = QLearningConfig

    def __init__(
        self,
        env: EnvLike,
        *,
        seed: int = 0,
        config: QLearningConfig | None = None,
        **options: Unpack[QLearningKeywords],
    ):
        super().__init__(env, seed=seed, config=config, **options)

    def observe(self, step: Step) -> Mapping[str, float] | None:
        """Update Q(S, A) ← Q(S, A) + α [R + γ max_a Q(S', a) − Q(S, A)], and choose the next action."""
        self.anneal()
        reset_trace, value = self._non_greedy()
        next_state, next_mask = self.state_index.encode(step.next_observation)
        next_value = np.where(step.terminated, 0.0, max_q_value(self.q_values(next_state, next_mask)))
        entry, done = self.table.entry(self.current_state, self.current_action), step.terminated | step.truncated
        transition = TabularTransition(entry, step.reward, next_value, step.valid, done, reset_trace, value)
        td_error = self.td.update(self.table, transition)
        self.choose_next_action(step, next_state, next_mask)
        return self.metrics_if_due(td_error)

    def _non_greedy(self) -> tuple[Bool[np.ndarray, "env"] | None, Float[np.ndarray, "env"] | None]:
        """Return where A is not greedy, so that returns and traces must end there, and max_a Q(S, a)."""
        if not self.td.multi_step:
            return None, None
        q_values = self.q_values(self.current_state, self.current_mask)
        best = max_q_value(q_values)
        return q_values[np.arange(len(q_values)), self.current_action] < best, best
