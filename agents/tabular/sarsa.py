"""Sarsa, with n-step returns or eligibility traces if asked for.

Source: Rummery & Niranjan, "On-line Q-learning using connectionist systems", 1994; Sutton & Barto,
"Reinforcement learning: an introduction", 2nd edition, 2018 (S&B), sections 6.4, 7.2 and 12.7.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from sandlot.envs import Step

from .agent import Allowed, MultiStepConfig, TabularAgent
from .exploration import Worth


@dataclass(frozen=True, kw_only=True)
class SarsaConfig(MultiStepConfig):
    """Hyperparameters of Sarsa."""


def action_value(worth: Worth, action: Int[np.ndarray, "batch"]) -> Float[np.ndarray, "batch"]:
    """Return Q(S', A'), the bootstrap of S&B's equation 6.7."""
    return worth[np.arange(len(worth)), action]


class Sarsa(TabularAgent):
    """Learn the values of the policy that explores."""

    name = "sarsa"
    Config = SarsaConfig

    def next_value(self, state: Int[np.ndarray, "env"], allowed: Allowed) -> Float[np.ndarray, "env"]:
        worth = self.worth(state, allowed)
        self._next_action = self.explore(worth)
        return action_value(worth, self._next_action)

    def next_action(self, state: Int[np.ndarray, "env"], allowed: Allowed, step: Step) -> Int[np.ndarray, "env"]:
        """Return the A' that was learned from, and where `step` went on to another episode, a new action."""
        if step.observation is not step.next_observation and step.episode_start.any():
            episode_start = step.episode_start
            self._next_action[episode_start] = self.explore(
                self.worth(state[episode_start], None if allowed is None else allowed[episode_start])
            )
        return self._next_action
