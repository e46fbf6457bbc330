"""Twin delayed deep deterministic policy gradient.

Source: Fujimoto et al., "Addressing function approximation error in actor-critic methods", 2018 (arXiv 1802.09477).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Unpack

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sandlot.agents.action_info import ActionInfo
from sandlot.agents.base import EnvLike
from sandlot.agents.buffers.config import LOG_EVERY, SampleShape
from sandlot.agents.buffers.hindsight import replay_buffer
from sandlot.agents.buffers.replay import Transitions
from sandlot.agents.keywords import TD3Keywords
from sandlot.agents.network_agent import NetworkAgent, initial_weights
from sandlot.envs import Observation, Step, tree_map
from sandlot.supervised import Learner, TargetNetwork
from sandlot.supervised.networks import Memory
from sandlot.supervised.networks.encoder import TensorTree
from sandlot.supervised.optimization.components import Stateful
from sandlot.supervised.optimization.device import choose_device
from sandlot.tracking import require

from .actor_critics import (
    Actor,
    ActorBatch,
    ContinuousConfig,
    CriticBatch,
    Critics,
    TanhHead,
    actor_critic_metrics,
    critic_loss,
    deterministic_actor_loss,
    explain_action,
    td_target,
)


@dataclass(frozen=True, kw_only=True)
class TD3Config(ContinuousConfig):
    """Hyperparameters of TD3. Noise is in units of actions scaled to [-1, 1]."""

    learning_rate: float = 1e-3
    """Initial learning rate."""
    hidden: tuple[int, ...] = (400, 300)
    """Sizes of an MLP's layers; the critics' reads the action too. Other networks are followed by this MLP."""
    exploration_noise: float = 0.1
    """Standard deviation of exploration noise (as in the paper; Stable-Baselines3 has none)."""
    target_policy_noise: float = 0.2
    """Standard deviation of the noise for target policy smoothing."""
    target_noise_clip: float = 0.5
    """Clip range of that noise."""
    policy_delay: int = 2
    """Critic updates per update of the policy and the target networks."""
    critics: int = 2
    """Number of critics; the lowest of their values is used."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("exploration_noise", "target_policy_noise", "target_noise_clip"):
            require(getattr(self, name) >= 0, f"{name} must be at least 0", getattr(self, name))
        for name in ("policy_delay", "critics"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1", getattr(self, name))


def smoothed(
    action: Float[Tensor, "*batch size"], noise: Float[Tensor, "*batch size"], clip: float
) -> Float[Tensor, "*batch size"]:
    """Return the target policy's actions with clipped noise (equation 14), in [-1, 1]."""
    return (action + noise.clamp(-clip, clip)).clamp(-1, 1)


def clipped_double_q(q: Float[Tensor, "critic *batch"]) -> Float[Tensor, "*batch"]:
    """Return the lowest of the critics' values (equation 10)."""
    return q.min(0).values


class TD3(NetworkAgent):
    """Twin delayed deep deterministic policy gradient.

    Source: Fujimoto et al., 2018. Example: `TD3("Pendulum-v1", seed=1).learn(10_000)`.
    """

    name = "td3"
    Config = TD3Config
    config: TD3Config
    policy: Actor
    critics: Critics

    def __init__(self, env: EnvLike, *, seed: int = 0, config: TD3Config | None = None, **options: Unpack[TD3Keywords]):
        super().__init__(env, seed=seed, config=config, **options)

    def _build(self) -> None:
        config = self.config
        with initial_weights(self.seed):
            self.policy = Actor(self.spaces.observation, self.spaces.action, config, TanhHead, self.name).eval()
            self.critics = Critics(config.critics, self.policy, config).eval()
            device = choose_device(config.device, self.policy, self.critics, batch_size=config.batch_size)
            self.learner = self.critic_learner = Learner(self.critics, critic_loss, config, device=device)
            loss = partial(deterministic_actor_loss, critics=self.critic_learner.frozen())
            self.actor_learner = Learner(self.policy, loss, config, device=device)
            self.target_critics = TargetNetwork(self.critic_learner)
            self.target_policy = TargetNetwork(self.actor_learner)
        self.shape = SampleShape.of(config, self.policy.has_memory)
        shape, dtype = (self.policy.actions.size,), np.dtype(np.float32)
        self.buffer = replay_buffer(config, shape, dtype, self.spaces.observation, self.env_factory)
        self.rng = np.random.default_rng(self.seed)
        self.noise = torch.Generator(self.device).manual_seed(self.seed)

    def prepare(self, steps: int) -> None:
        for learner in (self.critic_learner, self.actor_learner):
            learner.prepare(self.config.updates_until(steps, self.env_step))

    def reset(self, observation: Observation, seed: int) -> None:
        self.buffer.reset(observation)
        self.rng = np.random.default_rng(seed)
        self.noise.manual_seed(seed)
        self.memory = self.policy.initial_memory(self.buffer.num_envs)

    @torch.inference_mode()
    def exploration_action(self) -> np.ndarray:
        observation, episode_start = self.buffer.latest
        random = self.env_step < self.config.learning_starts
        if random:
            self.action = self.policy.actions.random(len(episode_start), self.rng)
        if self.policy.has_memory or not random:
            inputs, start = self.on_device((tree_map(lambda leaf: leaf[None], observation), episode_start[None]))
            output, self.memory = self.policy(inputs, self.memory, start)
            if not random:
                noise = torch.empty_like(output).normal_(generator=self.noise)
                explored = (output + self.config.exploration_noise * noise).clamp(-1, 1)
                self.action = explored[0].cpu().numpy()
        return self.policy.to_env(self.action)

    def observe(self, step: Step) -> Mapping[str, float] | None:
        config, now = self.config, self.env_step
        before = now - int(step.valid.sum())
        self.buffer.add(self.action, step)
        if config.normalize_observations:
            self.policy.update_statistics(self.on_device(step.observation), step.valid)
        due = (now // config.train_freq - before // config.train_freq) * config.gradient_steps
        if due and now > config.learning_starts and self.buffer.can_sample(self.shape):
            for learner in (self.critic_learner, self.actor_learner):
                learner.anneal(self.progress)
                learner.module.train()
            for _ in range(due):
                self.update(self.sample())
            for learner in (self.critic_learner, self.actor_learner):
                learner.module.eval()
        if now // LOG_EVERY > before // LOG_EVERY:
            return actor_critic_metrics(self.critic_learner, self.actor_learner)
        return None

    def sample(self) -> Transitions:
        """Sample the rows, or sequences, of a gradient step."""
        rows = self.buffer.sample(self.shape.size, self.rng, self.shape.length)
        return self.on_device(self.buffer.take(rows, self.shape, self.config.gamma, self.config.n_step))

    def update(self, sample: Transitions) -> None:
        """Take a gradient step of the critics and, after enough of them, one of policy and target networks."""
        config, first = self.config, self.shape.burn_in
        weight = sample.weight[first:] / config.batch_size
        target = td_target(sample, self.next_value(sample))[first:]
        observation, episode_start, action = sample.observation, sample.episode_start, sample.action[first:]
        self.critic_learner.step(CriticBatch(observation, episode_start, action, target, weight))
        if self.critic_learner.optimizer.steps % config.policy_delay == 0:
            self.actor_learner.step(ActorBatch(observation, episode_start, weight))
            self.target_policy.update(config.tau)
            self.target_critics.update(config.tau)

    @torch.no_grad()
    def next_value(self, sample: Transitions) -> Float[Tensor, "longer batch"]:
        """Return the target critics' lowest values of the target policy's smoothed actions."""
        action = self.target_policy.module.rows(sample.next_observation, sample.next_episode_start)
        noise = self.config.target_policy_noise * torch.empty_like(action).normal_(generator=self.noise)
        action = smoothed(action, noise, self.config.target_noise_clip)
        q = self.target_critics.module(sample.next_observation, sample.next_episode_start, action)
        return clipped_double_q(q)

    def components(self) -> dict[str, Stateful]:
        return {
            "policy": self.policy,
            "critics": self.critics,
            "target_policy": self.target_policy.module,
            "target_critics": self.target_critics.module,
            "policy_learner": self.actor_learner,
            "critic_learner": self.critic_learner,
        }

    def initial_memory(self, batch: int) -> tuple[Memory, Memory]:
        return self.policy.initial_memory(batch), self.critics.initial_memory(batch)

    def explain_action(
        self, observation: TensorTree, memory: Memory, episode_start: Bool[Tensor, "1 batch"], deterministic: bool
    ) -> tuple[Float[Tensor, "1 batch size"], tuple[Memory, Memory], ActionInfo]:
        acting = (self.policy, self.critics, observation, memory, episode_start, deterministic, self.noise)
        return explain_action(*acting)

    def experience(self) -> dict[str, np.ndarray]:
        return self.buffer.state()

    def load_experience(self, tensors: Mapping[str, np.ndarray]) -> None:
        self.buffer.load_state(tensors, self.spaces.observation.sample())
