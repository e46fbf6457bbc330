"""Expected Sarsa, with n-step returns or eligibility traces if asked for.

Source: van Seijen et al., "A theoretical and empirical analysis of expected Sarsa", 2009; Sutton & Barto,
"Reinforcement learning: an introduction", 2nd edition, 2018 (S&B), sections 6.6, 7.2 and 12.9.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from .agent import Allowed, MultiStepConfig, TabularAgent
from .exploration import Worth, epsilon_greedy_policy, softmax_policy


@dataclass(frozen=True, kw_only=True)
class ExpectedSarsaConfig(MultiStepConfig):
    """Hyperparameters of Expected Sarsa."""


def expected_value(worth: Worth, policy: Float[np.ndarray, "batch action"]) -> Float[np.ndarray, "batch"]:
    """Return the mean of Q(S', a) under the policy, the bootstrap of S&B's equation 6.9."""
    return (np.where(policy > 0, worth, 0.0) * policy).sum(1)


class ExpectedSarsa(TabularAgent):
    """Learn the values of the policy that explores, from the mean over its next action instead of a draw."""

    name = "expected-sarsa"
    Config = ExpectedSarsaConfig

    def next_value(self, state: Int[np.ndarray, "env"], allowed: Allowed) -> Float[np.ndarray, "env"]:
        worth = self.worth(state, allowed)
        if self.config.exploration == "softmax":
            return expected_value(worth, softmax_policy(worth, self.temperature))
        return expected_value(worth, epsilon_greedy_policy(worth, self.epsilon))
