"""Advantage actor-critic, the synchronous form of A3C.

Source: Mnih et al., "Asynchronous methods for deep reinforcement learning", 2016, algorithm S3, with environments
side by side in place of its threads. The defaults are those of Stable-Baselines3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal, Unpack

import numpy as np
import torch
from torch import Tensor

from sandlot.agents.base import EnvLike
from sandlot.agents.buffers.rollout import RolloutBatch, RolloutBuffer, full_batch, gae
from sandlot.agents.keywords import A2CKeywords
from sandlot.agents.network_agent import NetworkAgent, initial_weights
from sandlot.envs import Observation, Step
from sandlot.supervised import Learner, LearnerConfig
from sandlot.supervised.networks import Memory
from sandlot.supervised.optimization.components import Stateful
from sandlot.tracking import require

from .actor_critic import (
    ActorCritic,
    ActorCriticConfig,
    evaluate_rollout,
    explained_variance,
    policy_gradient_loss,
    value_loss,
)
from .reward_normalizer import RewardNormalizer

LOG_ROWS = 200
"""Rows to learn from between two rows of metrics, at least: more often, they would cost a small update dearly."""


@dataclass(frozen=True, kw_only=True)
class A2CConfig(LearnerConfig, ActorCriticConfig):
    """Hyperparameters of A2C."""

    learning_rate: float = 7e-4
    """Initial learning rate."""
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop", "adagrad"] = "rmsprop"
    """Optimizer."""
    num_envs: int = 8
    """Number of parallel environments."""
    num_steps: int = 5
    """Steps per environment in each rollout (t_max in the paper)."""
    gamma: float = 0.99
    """Discount factor γ."""
    gae_lambda: float = 1.0
    """GAE λ; 1 is the paper's n-step advantage."""
    entropy_coef: float = 0.0
    """Entropy coefficient (β in the paper, which has 0.01)."""
    value_coef: float = 0.5
    """Value loss coefficient."""
    normalize_advantage: bool = False
    """Normalize the advantages of each rollout."""
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


def a2c_loss(
    policy: ActorCritic, batch: tuple[RolloutBatch, Memory], config: A2CConfig
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return A2C's loss (the paper's section 4, A3C) and its metrics. The batch is the rows and their first memory."""
    rows, memory = batch
    distribution, value = policy.evaluate(rows.observation, memory, rows.episode_start)
    actor_loss = policy_gradient_loss(distribution.log_prob(rows.action), rows.advantage, rows.weight)
    critic_loss = value_loss(value, rows.target, rows.weight)
    with torch.set_grad_enabled(config.entropy_coef > 0):
        entropy = (distribution.entropy() * rows.weight).sum()
    loss = actor_loss + config.value_coef * critic_loss
    if config.entropy_coef > 0:
        loss = loss - config.entropy_coef * entropy
    return loss, {
        "losses/policy": actor_loss.detach(),
        "losses/value": critic_loss.detach(),
        "train/entropy": entropy.detach(),
    }


class A2C(NetworkAgent):
    """Advantage actor-critic: one policy gradient step on each short rollout.

    Source: Mnih et al., 2016. Example: `A2C("CartPole-v1", seed=1).learn(100_000)`.
    """

    name = "a2c"
    samples_actions = True
    Config = A2CConfig
    config: A2CConfig
    policy: ActorCritic

    def __init__(self, env: EnvLike, *, seed: int = 0, config: A2CConfig | None = None, **options: Unpack[A2CKeywords]):
        super().__init__(env, seed=seed, config=config, **options)

    def _build(self) -> None:
        config = self.config
        with initial_weights(self.seed):
            self.policy = ActorCritic(self.spaces.observation, self.spaces.action, config, self.name).eval()
        if config.has_transformer:
            rule = f"memory_length must be at most num_steps, {config.num_steps}"
            require(config.memory_length <= config.num_steps, rule, config.memory_length)
        self.learner = Learner(self.policy, partial(a2c_loss, config=config), config)
        self.reward_normalizer = RewardNormalizer(config.gamma) if config.normalize_rewards else None
        self.noise = torch.Generator(self.device).manual_seed(self.seed)

    def prepare(self, steps: int) -> None:
        self.learner.prepare(max(0, steps - self.env_step) // self.config.rows)

    def reset(self, observation: Observation, seed: int) -> None:
        head = self.policy.head
        self.buffer = RolloutBuffer(self.config.num_steps, observation, head.shape, head.dtype)
        self.memory = self.first_memory = self.policy.initial_memory(self.buffer.num_envs)
        if self.reward_normalizer is not None:
            self.reward_normalizer.reset(self.buffer.num_envs)
        self.noise.manual_seed(seed)
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
        first_memory, rollout = self.first_memory, self.compute_advantages()
        self.learner.anneal(self.progress)
        with self.policy.learning():
            self.learner.step((full_batch(rollout, self.config.normalize_advantage), first_memory))
        self.policy.update_statistics(rollout.observation, rollout.weight)
        self.buffer.carry_over()
        return self.metrics_due(rollout)

    def compute_advantages(self) -> RolloutBatch:
        """Return the rollout with its advantages, and go on with the memory after it."""
        config, buffer = self.config, self.buffer
        with self.learner.arithmetic():
            evaluated = evaluate_rollout(self.policy, buffer, self.first_memory, config.num_steps, with_log_prob=False)
        self.memory = self.first_memory = evaluated.last_memory
        reward, value = buffer.reward, evaluated.value.cpu().numpy()
        if self.reward_normalizer is not None:
            reward = self.reward_normalizer.normalize(reward, buffer.ended, buffer.valid)
        advantage = gae(
            reward, value, evaluated.next_value, buffer.terminated, buffer.truncated, config.gamma, config.gae_lambda
        )
        columns = self.on_device((advantage, advantage + value, buffer.valid.astype(np.float32)))
        return RolloutBatch(*evaluated[:5], *columns)

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
