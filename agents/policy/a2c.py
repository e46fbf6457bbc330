"""Advantage actor-critic, the synchronous form of A3C.

Source: Mnih et al., "Asynchronous methods for deep reinforcement learning", 2016, algorithm S3, with environments
side by side in place of its threads. The defaults are those of Stable-Baselines3.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from sandlot.agents.buffers.rollout import RolloutBatch, full_batch
from sandlot.supervised import LearnerConfig
from sandlot.supervised.networks import Memory
from sandlot.tracking import require

from .actor_critic import ActorCritic, ActorCriticConfig
from .on_policy import OnPolicyAgent


@dataclass(frozen=True, kw_only=True)
class A2CConfig(LearnerConfig, ActorCriticConfig):
    """Hyperparameters of A2C."""

    learning_rate: float = 7e-4
    """Step size of the optimizer, at the start."""
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop", "adagrad"] = "rmsprop"
    """Which optimizer of torch.optim."""
    num_envs: int = 8
    """Environments that step side by side."""
    num_steps: int = 5
    """Steps of each environment between updates (t_max in the paper)."""
    gamma: float = 0.99
    """Discount."""
    gae_lambda: float = 1.0
    """Weight of long over short estimates in the advantage (GAE); 1 is the paper's n-step advantage."""
    entropy_coef: float = 0.0
    """Weight of the entropy bonus (β in the paper, which has 0.01)."""
    value_coef: float = 0.5
    """Weight of the value loss."""
    normalize_advantage: bool = False
    """Shift and scale each rollout's advantages to mean 0 and variance 1."""
    normalize_rewards: bool = False
    """Divide rewards by the running standard deviation of the discounted return."""

    def __post_init__(self) -> None:
        LearnerConfig.__post_init__(self)
        ActorCriticConfig.__post_init__(self)
        for name in ("num_envs", "num_steps"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1", getattr(self, name))
        for name in ("gamma", "gae_lambda"):
            require(0 <= getattr(self, name) <= 1, f"{name} must be in [0, 1]", getattr(self, name))
        for name in ("entropy_coef", "value_coef"):
            require(getattr(self, name) >= 0, f"{name} must be at least 0", getattr(self, name))

    @property
    def rows(self) -> int:
        """Rows in a rollout."""
        return self.num_envs * self.num_steps

    @property
    def updates(self) -> int:
        """Gradient steps on a rollout."""
        return 1

    @property
    def sequence_rows(self) -> int:
        """Rows of a sequence: gradients flow through the whole rollout."""
        return self.num_steps


def policy_loss(
    log_prob: Float[Tensor, "*batch"], advantage: Float[Tensor, "*batch"], weight: Float[Tensor, "*batch"]
) -> Float[Tensor, ""]:
    """Return the negated objective whose gradient is the policy gradient (the paper's section 4, A3C)."""
    return -(log_prob * advantage * weight).sum()


def value_loss(
    value: Float[Tensor, "*batch"], target: Float[Tensor, "*batch"], weight: Float[Tensor, "*batch"]
) -> Float[Tensor, ""]:
    """Return the mean squared error of the values."""
    return ((value - target).square() * weight).sum()


def a2c_loss(
    policy: ActorCritic, batch: tuple[RolloutBatch, Memory], config: A2CConfig
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return A2C's loss of a rollout and what to log. The batch is the rows and the memory they begin with."""
    rows, memory = batch
    distribution, value = policy.evaluate(rows.observation, memory, rows.episode_start)
    actor = policy_loss(distribution.log_prob(rows.action), rows.advantage, rows.weight)
    critic = value_loss(value, rows.target, rows.weight)
    with torch.set_grad_enabled(config.entropy_coef > 0):
        entropy = (distribution.entropy() * rows.weight).sum()
    loss = actor + config.value_coef * critic
    if config.entropy_coef > 0:
        loss = loss - config.entropy_coef * entropy
    return loss, {
        "loss/policy": actor.detach(),
        "loss/value": critic.detach(),
        "policy/entropy": entropy.detach(),
    }


class A2C(OnPolicyAgent):
    """Advantage actor-critic."""

    name = "a2c"
    Config = A2CConfig
    needs_log_prob = False
    config: A2CConfig

    def loss(self, policy: Any, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        return a2c_loss(policy, batch, self.config)

    def update(self, experience: RolloutBatch) -> None:
        rows = full_batch(experience, self.config.normalize_advantage)
        self.learner.step((rows, self.memories[0]))
