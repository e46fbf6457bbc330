"""Expected Sarsa, optionally with n-step returns or eligibility traces.

Source: van Seijen et al., "A theoretical and empirical analysis of expected Sarsa", 2009; Sutton & Barto,
"Reinforcement learning: an introduction", 2nd edition, 2018 (S&B), sections 6.6, 7.2 and 12.9.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Unpack

import numpy as np
from jaxtyping import Float

from sandlot.agents.base import EnvLike
from sandlot.agents.keywords import ExpectedSarsaKeywords
from sandlot.envs import Step

from .agent import TabularAgent
from .config import MultiStepConfig
from .exploration import QValues
from .td import TabularTransition


@dataclass(frozen=True, kw_only=True)
class ExpectedSarsaConfig(MultiStepConfig):
    """Hyperparameters of Expected Sarsa."""


def expected_q_value(q_values: QValues, policy: Float[np.ndarray, "batch action"]) -> Float[np.ndarray, "batch"]:
    """Return Σ_a π(a | S') Q(S', a), the bootstrap value of S&B's equation 6.9."""
    return (np.where(policy > 0, q_values, 0.0) * policy).sum(1)


class ExpectedSarsa(TabularAgent):
    """Learn the values of the policy that explores, from the expectation over its next action instead of a sample.

    Example:
        >>> agent = ExpectedSarsa("CliffWalking-v1", seed=1, epsilon=0.1).learn(100_000)
        >>> action, _ = agent.predict(36, deterministic=True)
    """

    name = "expected-sarsa"
    Config = ExpectedSarsaConfig

    def __init__(
        self,
        env: EnvLike,
        *,
        seed: int = 0,
        config: ExpectedSarsaConfig | None = None,
        **options: Unpack[ExpectedSarsaKeywords],
    ):
        super().__init__(env, seed=seed, config=config, **options)

    def observe(self, step: Step) -> Mapping[str, float] | None:
        """Update Q(S, A) ← Q(S, A) + α [R + γ Σ_a π(a | S') Q(S', a) − Q(S, A)], and choose the next action."""
        self.anneal()
        next_state, next_mask = self.state_index.encode(step.next_observation)
        next_q = self.q_values(next_state, next_mask)
        policy = self.exploration.probabilities(next_q)
        next_value = np.where(step.terminated, 0.0, expected_q_value(next_q, policy))
        entry, done = self.table.entry(self.current_state, self.current_action), step.terminated | step.truncated
        transition = TabularTransition(entry, step.reward, next_value, step.valid, done)
        td_error = self.td.update(self.table, transition)
        self.choose_next_action(step, next_state, next_mask)
        return self.metrics_if_due(td_error)
