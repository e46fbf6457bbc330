"""Proximal policy optimisation.

Source: Schulman et al., "Proximal policy optimization algorithms", 2017, with the details of Huang et al.,
"The 37 implementation details of proximal policy optimization", 2022.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from sandlot.agents.buffers.rollout import RolloutBatch, minibatches, sequence_minibatches, split_sequences
from sandlot.supervised import LearnerConfig, Schedule, scheduled
from sandlot.supervised.networks import Memory
from sandlot.tracking import require

from .actor_critic import ActorCritic, ActorCriticConfig
from .on_policy import OnPolicyAgent


@dataclass(frozen=True, kw_only=True)
class PPOConfig(LearnerConfig, ActorCriticConfig):
    """Hyperparameters of PPO."""

    num_envs: int = 8
    """Environments that step side by side."""
    num_steps: int = 256
    """Steps of each environment between updates."""
    batch_size: int = 256
    """Rows in a minibatch; divides num_envs × num_steps."""
    epochs: int = 10
    """Times that an update goes through its rollout."""
    gamma: float = 0.99
    """Discount."""
    gae_lambda: float = 0.95
    """Weight of long over short estimates in the advantage (GAE)."""
    clip_range: float = 0.2
    """How far the probability ratio may move before its gradient stops (ε in the paper)."""
    clip_range_schedule: Schedule = "constant"
    """How clip_range falls to 0 over the run."""
    clip_range_value: float = 0.0
    """How far a value may move in an update, as Baselines has it; 0 for any distance."""
    entropy_coef: float = 0.0
    """Weight of the entropy bonus (c2 in the paper)."""
    value_coef: float = 0.5
    """Weight of the value loss (c1 in the paper)."""
    normalize_advantage: bool = True
    """Shift and scale each minibatch's advantages to mean 0 and variance 1."""
    normalize_rewards: bool = False
    """Divide rewards by the running standard deviation of the discounted return."""
    target_kl: float = 0.0
    """End an update once the approximate KL divergence is 1.5 times this; 0 for never."""
    sequence_length: int = 0
    """For networks with memory: rows that a rollout is cut into, and gradients flow through; 0 for all of it."""

    def __post_init__(self) -> None:
        LearnerConfig.__post_init__(self)
        ActorCriticConfig.__post_init__(self)
        for name in ("num_envs", "num_steps", "batch_size", "epochs"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1", getattr(self, name))
        for name in ("gamma", "gae_lambda"):
            require(0 <= getattr(self, name) <= 1, f"{name} must be in [0, 1]", getattr(self, name))
        for name in ("clip_range_value", "entropy_coef", "value_coef", "target_kl"):
            require(getattr(self, name) >= 0, f"{name} must be at least 0", getattr(self, name))
        require(self.clip_range > 0, "clip_range must be positive", self.clip_range)
        rule = f"sequence_length must divide num_steps, which is {self.num_steps}"
        require(self.sequence_length >= 0 and self.num_steps % self.sequence_rows == 0, rule, self.sequence_length)
        require(
            self.rows % self.batch_size == 0,
            f"batch_size must divide num_envs × num_steps, which is {self.rows}",
            self.batch_size,
        )

    @property
    def rows(self) -> int:
        """Rows in a rollout."""
        return self.num_envs * self.num_steps

    @property
    def updates(self) -> int:
        """Gradient steps on a rollout."""
        return self.epochs * self.rows // self.batch_size

    @property
    def sequence_rows(self) -> int:
        """Rows of a sequence."""
        return self.sequence_length or self.num_steps


def policy_loss(
    ratio: Float[Tensor, "*batch"],
    advantage: Float[Tensor, "*batch"],
    weight: Float[Tensor, "*batch"],
    clip_range: Float[Tensor, ""],
) -> Float[Tensor, ""]:
    """Return the clipped surrogate objective, negated (the paper's equation 7)."""
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return -(torch.minimum(ratio * advantage, clipped * advantage) * weight).sum()


def value_loss(
    value: Float[Tensor, "*batch"],
    old_value: Float[Tensor, "*batch"],
    target: Float[Tensor, "*batch"],
    weight: Float[Tensor, "*batch"],
    clip_range_value: float,
) -> Float[Tensor, ""]:
    """Return half the mean squared error of the values, clipped around the old ones if `clip_range_value`."""
    error = (value - target).square()
    if clip_range_value:
        clipped = old_value + (value - old_value).clamp(-clip_range_value, clip_range_value)
        error = torch.maximum(error, (clipped - target).square())
    return 0.5 * (error * weight).sum()


def ppo_loss(
    policy: ActorCritic, batch: tuple[RolloutBatch, Memory, Float[Tensor, ""]], config: PPOConfig
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return PPO's loss (the paper's equation 9, negated) of rows, and what to log.

    The batch is the rows, the memory they begin with, and the clip range.
    """
    rows, memory, clip_range = batch
    distribution, value = policy.evaluate(rows.observation, memory, rows.episode_start)
    log_ratio = distribution.log_prob(rows.action) - rows.log_prob
    ratio = log_ratio.exp()
    actor = policy_loss(ratio, rows.advantage, rows.weight, clip_range)
    critic = value_loss(value, rows.value, rows.target, rows.weight, config.clip_range_value)
    loss = actor + config.value_coef * critic
    with torch.set_grad_enabled(config.entropy_coef > 0):
        entropy = (distribution.entropy() * rows.weight).sum()
    if config.entropy_coef > 0:
        loss = loss - config.entropy_coef * entropy
    with torch.no_grad():
        # The k3 estimator of J. Schulman, "Approximating KL divergence", 2020: unbiased and never negative.
        approx_kl = ((ratio - 1 - log_ratio) * rows.weight).sum()
        clip_fraction = (((ratio - 1).abs() > clip_range) * rows.weight).sum()
    return loss, {
        "loss/policy": actor.detach(),
        "loss/value": critic.detach(),
        "policy/entropy": entropy.detach(),
        "policy/approx_kl": approx_kl,
        "policy/clip_fraction": clip_fraction,
    }


class PPO(OnPolicyAgent):
    """Proximal policy optimisation."""

    name = "ppo"
    Config = PPOConfig
    needs_log_prob = True
    config: PPOConfig

    def loss(self, policy: Any, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        return ppo_loss(policy, batch, self.config)

    def update(self, experience: RolloutBatch) -> None:
        config = self.config
        clip_range = torch.tensor(scheduled(config.clip_range, config.clip_range_schedule, self.progress)).to(
            self.device
        )
        for rows, memory in self._minibatches(experience):
            metrics = self.learner.step((rows, memory, clip_range))
            if config.target_kl and metrics["policy/approx_kl"].item() > 1.5 * config.target_kl:
                break

    def _minibatches(self, experience: RolloutBatch) -> Iterator[tuple[RolloutBatch, Memory]]:
        config = self.config
        how = (config.epochs, self.shuffling, config.normalize_advantage)
        if self.policy.has_memory:
            sequences, memory = split_sequences(experience, self.memories)
            yield from sequence_minibatches(sequences, memory, config.batch_size // config.sequence_rows, *how)
        else:
            memory = self.policy.initial_memory(config.batch_size)
            for rows in minibatches(experience, config.batch_size, *how):
                yield rows, memory

    def _build(self) -> None:
        super()._build()
        config = self.config
        if self.policy.has_memory:
            length = config.sequence_rows
            rule = f"batch_size must be a multiple of the rows of a sequence, {length}, for networks with memory"
            require(config.batch_size % length == 0, rule, config.batch_size)
