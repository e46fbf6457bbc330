"""Proximal policy optimisation.

Source: Schulman et al., "Proximal policy optimization algorithms", 2017, with the details of Huang et al.,
"The 37 implementation details of proximal policy optimization", 2022.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Unpack

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sandlot.agents.base import EnvLike
from sandlot.agents.buffers.rollout import (
    RolloutBatch,
    RolloutBuffer,
    gae,
    minibatches,
    sequence_minibatches,
    split_sequences,
)
from sandlot.agents.keywords import PPOKeywords
from sandlot.agents.network_agent import NetworkAgent, initial_weights
from sandlot.envs import Observation, Step
from sandlot.supervised import Learner, LearnerConfig, Schedule, scheduled
from sandlot.supervised.networks import Memory
from sandlot.supervised.optimization.components import Stateful
from sandlot.tracking import require

from .actor_critic import ActorCritic, ActorCriticConfig, evaluate_rollout, explained_variance
from .reward_normalizer import RewardNormalizer

LOG_ROWS = 200
"""Rows to learn from between two rows of metrics, at least: more often, they would cost a small update dearly."""


@dataclass(frozen=True, kw_only=True)
class PPOConfig(LearnerConfig, ActorCriticConfig):
    """Hyperparameters of PPO."""

    num_envs: int = 8
    """Number of parallel environments."""
    num_steps: int = 256
    """Steps per environment in each rollout."""
    batch_size: int = 256
    """Minibatch size; must divide num_envs × num_steps."""
    epochs: int = 10
    """Epochs over each rollout."""
    gamma: float = 0.99
    """Discount factor γ."""
    gae_lambda: float = 0.95
    """GAE λ: trades bias for variance in the advantage."""
    clip_range: float = 0.2
    """Clip range ε of the probability ratio."""
    clip_range_schedule: Schedule = "constant"
    """Schedule of clip_range: constant, or falling to 0 over the run."""
    clip_range_value: float = 0.0
    """Clip range of the value function, as in Baselines; 0 disables clipping."""
    entropy_coef: float = 0.0
    """Entropy coefficient (c2 in the paper)."""
    value_coef: float = 0.5
    """Value loss coefficient (c1 in the paper)."""
    normalize_advantage: bool = True
    """Normalize the advantages of each minibatch."""
    normalize_rewards: bool = False
    """Divide rewards by the running standard deviation of the discounted return."""
    target_kl: float = 0.0
    """Stop an update once the approximate KL divergence exceeds 1.5 times this; 0 disables early stopping."""
    sequence_length: int = 0
    """Truncated backpropagation length for networks with memory; must divide num_steps; 0 is the whole rollout."""

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
    def gradient_steps(self) -> int:
        """Gradient steps on a rollout."""
        return self.epochs * self.rows // self.batch_size

    @property
    def sequence_rows(self) -> int:
        """Rows of a sequence that gradients flow through."""
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
    """Return PPO's loss (the paper's equation 9, negated) and its metrics.

    The batch is the rows, the memory they begin with, and the clip range.
    """
    rows, memory, clip_range = batch
    distribution, value = policy.evaluate(rows.observation, memory, rows.episode_start)
    log_ratio = distribution.log_prob(rows.action) - rows.log_prob
    ratio = log_ratio.exp()
    actor_loss = policy_loss(ratio, rows.advantage, rows.weight, clip_range)
    critic_loss = value_loss(value, rows.value, rows.target, rows.weight, config.clip_range_value)
    loss = actor_loss + config.value_coef * critic_loss
    with torch.set_grad_enabled(config.entropy_coef > 0):
        entropy = (distribution.entropy() * rows.weight).sum()
    if config.entropy_coef > 0:
        loss = loss - config.entropy_coef * entropy
    with torch.no_grad():
        # The k3 estimator of J. Schulman, "Approximating KL divergence", 2020: unbiased and never negative.
        approx_kl = ((ratio - 1 - log_ratio) * rows.weight).sum()
        clip_fraction = (((ratio - 1).abs() > clip_range) * rows.weight).sum()
    return loss, {
        "losses/policy": actor_loss.detach(),
        "losses/value": critic_loss.detach(),
        "train/entropy": entropy.detach(),
        "train/approx_kl": approx_kl,
        "train/clip_fraction": clip_fraction,
    }


class PPO(NetworkAgent):
    """Proximal policy optimisation: several epochs of clipped policy gradients over each rollout.

    Source: Schulman et al., 2017. Example: `PPO("CartPole-v1", seed=1, gamma=0.98).learn(50_000)`.
    """

    name = "ppo"
    samples_actions = True
    Config = PPOConfig
    config: PPOConfig
    policy: ActorCritic

    def __init__(self, env: EnvLike, *, seed: int = 0, config: PPOConfig | None = None, **options: Unpack[PPOKeywords]):
        super().__init__(env, seed=seed, config=config, **options)

    def _build(self) -> None:
        config = self.config
        with initial_weights(self.seed):
            self.policy = ActorCritic(self.spaces.observation, self.spaces.action, config, self.name).eval()
        check_sequences(self.policy, config)
        self.learner = Learner(self.policy, partial(ppo_loss, config=config), config)
        self.reward_normalizer = RewardNormalizer(config.gamma) if config.normalize_rewards else None
        self.noise = torch.Generator(self.device).manual_seed(self.seed)
        self.shuffling = torch.Generator().manual_seed(self.seed)

    def prepare(self, steps: int) -> None:
        rollouts = max(0, steps - self.env_step) // self.config.rows
        self.learner.prepare(rollouts * self.config.gradient_steps)

    def reset(self, observation: Observation, seed: int) -> None:
        head = self.policy.head
        self.buffer = RolloutBuffer(self.config.num_steps, observation, head.shape, head.dtype)
        self.memory = self.first_memory = self.policy.initial_memory(self.buffer.num_envs)
        if self.reward_normalizer is not None:
            self.reward_normalizer.reset(self.buffer.num_envs)
        self.noise.manual_seed(seed)
        self.shuffling.manual_seed(seed)
        self.unlogged_rows = 0

    @torch.inference_mode()
    def exploration_action(self) -> np.ndarray:
        observation, episode_start = self.buffer.latest(self.device)
        distribution, self.memory = self.policy.act(observation, self.memory, episode_start)
        self.action = distribution.sample(self.noise)[0].cpu().numpy()
        return self.policy.to_env(self.action)

    def observe(self, step: Step) -> Mapping[str, float] | None:
        self.buffer.add(self.action, step)
        if not self.buffer.full:
            return None
        rollout, memories = self.compute_advantages()
        self.learner.anneal(self.progress)
        with self.policy.learning():
            self.update(rollout, memories)
        self.policy.update_statistics(rollout.observation, rollout.weight)
        self.buffer.carry_over()
        return self.metrics_due(rollout)

    def compute_advantages(self) -> tuple[RolloutBatch, list[Memory]]:
        """Return the rollout with its advantages, and the memory that each of its sequences begins with."""
        config, buffer = self.config, self.buffer
        with self.learner.arithmetic():
            evaluated = evaluate_rollout(self.policy, buffer, self.first_memory, config.sequence_rows)
        self.memory = self.first_memory = evaluated.last_memory
        reward, value = buffer.reward, evaluated.value.cpu().numpy()
        if self.reward_normalizer is not None:
            reward = self.reward_normalizer.normalize(reward, buffer.ended, buffer.valid)
        advantage = gae(
            reward, value, evaluated.next_value, buffer.terminated, buffer.truncated, config.gamma, config.gae_lambda
        )
        columns = self.on_device((advantage, advantage + value, buffer.valid.astype(np.float32)))
        return RolloutBatch(*evaluated[:5], *columns), evaluated.memories

    def update(self, rollout: RolloutBatch, memories: list[Memory]) -> None:
        """Take the gradient steps of all epochs."""
        config = self.config
        clip_range = self.on_device(
            torch.tensor(scheduled(config.clip_range, config.clip_range_schedule, self.progress))
        )
        for rows, memory in self.minibatches(rollout, memories):
            metrics = self.learner.step((rows, memory, clip_range))
            if config.target_kl and metrics["train/approx_kl"].item() > 1.5 * config.target_kl:
                break

    def minibatches(self, rollout: RolloutBatch, memories: list[Memory]) -> Iterator[tuple[RolloutBatch, Memory]]:
        """Yield the minibatches of all epochs: rows, or sequences with the memory that they begin with."""
        config = self.config
        options = (config.epochs, self.shuffling, config.normalize_advantage)
        if self.policy.has_memory:
            sequences, memory = split_sequences(rollout, memories)
            yield from sequence_minibatches(sequences, memory, config.batch_size // config.sequence_rows, *options)
        else:
            memory = self.policy.initial_memory(config.batch_size)
            for rows in minibatches(rollout, config.batch_size, *options):
                yield rows, memory

    def metrics_due(self, rollout: RolloutBatch) -> dict[str, float] | None:
        """Return what the updates since the last row of metrics measured, if a row is due."""
        self.unlogged_rows += self.config.rows
        if self.unlogged_rows < LOG_ROWS:
            return None
        self.unlogged_rows = 0
        explained = explained_variance(rollout.value, rollout.target, rollout.weight)
        return self.learner.metrics() | {"train/explained_variance": explained}

    def components(self) -> dict[str, Stateful]:
        normalizer = {} if self.reward_normalizer is None else {"reward_normalizer": self.reward_normalizer}
        return super().components() | normalizer


def check_sequences(policy: ActorCritic, config: PPOConfig) -> None:
    """Raise `SandlotError` if minibatches or a transformer's memory don't fit the sequences of a rollout."""
    length = config.sequence_rows
    if policy.has_memory:
        rule = f"batch_size must be a multiple of the sequence length, {length}, for networks with memory"
        require(config.batch_size % length == 0, rule, config.batch_size)
    if config.has_transformer:
        rule = f"memory_length must be at most the sequence length, {length}"
        require(config.memory_length <= length, rule, config.memory_length)
