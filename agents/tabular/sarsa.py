"""Sarsa, optionally with n-step returns or eligibility traces.

Source: Rummery & Niranjan, "On-line Q-learning using connectionist systems", 1994; Sutton & Barto,
"Reinforcement learning: an introduction", 2nd edition, 2018 (S&B), sections 6.4, 7.2 and 12.7.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Unpack

import numpy as np
from jaxtyping import Float, Int

from sandlot.agents.base import EnvLike
from sandlot.agents.keywords import SarsaKeywords
from sandlot.envs import Step

from .agent import TabularAgent
from .config import MultiStepConfig
from .exploration import QValues
from .td import TabularTransition


@dataclass(frozen=True, kw_only=True)
class SarsaConfig(MultiStepConfig):
    """Hyperparameters of Sarsa."""


def q_value_of(q_values: QValues, action: Int[np.ndarray, "batch"]) -> Float[np.ndarray, "batch"]:
    """Return Q(S', A'), the bootstrap value of S&B's equation 6.7."""
    return q_values[np.arange(len(q_values)), action]


class Sarsa(TabularAgent):
    """Learn the values of the policy that explores, from the actions it takes.

    Example:
        >>> agent = Sarsa("CliffWalking-v1", seed=1, epsilon=0.1).learn(100_000)
        >>> action, _ = agent.predict(36, deterministic=True)
    """

    name = "sarsa"
    Config = SarsaConfig

    def __init__(
        self, env: EnvLike, *, seed: int = 0, config: SarsaConfig | None = None, **options: Unpack[SarsaKeywords]
    ):
        super().__init__(env, seed=seed, config=config, **options)

    def observe(self, step: Step) -> Mapping[str, float] | None:
        """Choose A' in S', and update Q(S, A) ← Q(S, A) + α [R + γ Q(S', A') − Q(S, A)]."""
        self.anneal()
        next_state, next_mask = self.state_index.encode(step.next_observation)
        next_q = self.q_values(next_state, next_mask)
        next_action = self.explore(next_q)
        next_value = np.where(step.terminated, 0.0, q_value_of(next_q, next_action))
        entry, done = self.table.entry(self.current_state, self.current_action), step.terminated | step.truncated
        transition = TabularTransition(entry, step.reward, next_value, step.valid, done)
        td_error = self.td.update(self.table, transition)

        if step.observation is not step.next_observation:  # where an episode starts, A' is chosen anew
            next_state, next_mask = self.state_index.encode(step.observation)
            start = step.episode_start
            if start.any():
                start_mask = None if next_mask is None else next_mask[start]
                next_action[start] = self.explore(self.q_values(next_state[start], start_mask))
        self.current_state, self.current_mask, self.current_action = next_state, next_mask, next_action
        return self.metrics_if_due(td_error)
