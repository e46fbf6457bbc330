"""Soft actor-critic.

Source: Haarnoja et al., "Soft actor-critic algorithms and applications", 2018 (arXiv 1812.05905).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Unpack

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from sandlot.agents.action_info import ActionInfo
from sandlot.agents.base import EnvLike
from sandlot.agents.buffers.config import LOG_EVERY, SampleShape
from sandlot.agents.buffers.hindsight import replay_buffer
from sandlot.agents.buffers.replay import Transitions
from sandlot.agents.keywords import SACKeywords
from sandlot.agents.network_agent import NetworkAgent, initial_weights
from sandlot.envs import Observation, Step, tree_map
from sandlot.supervised import Learner, TargetNetwork
from sandlot.supervised.networks import Memory, SquashedGaussian
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
    GaussianHead,
    actor_critic_metrics,
    explain_action,
    squared_error,
    td_target,
)


@dataclass(frozen=True, kw_only=True)
class SACConfig(ContinuousConfig):
    """Hyperparameters of SAC."""

    log_std: float = 0.0
    """Initial log standard deviation of the actions."""
    alpha: float = 1.0
    """Initial temperature α: the weight of the policy's entropy against the reward."""
    learn_alpha: bool = True
    """Tune the temperature automatically so that the entropy stays at target_entropy (section 5)."""
    target_entropy: float | None = None
    """Target entropy in nats; by default minus the dimension of the action space."""
    critics: int = 2
    """Number of critics; the lowest of their values is used."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.alpha > 0, "alpha must be positive", self.alpha)
        require(self.critics >= 1, "critics must be at least 1", self.critics)


class SoftPolicy(nn.Module):
    """The actor and the temperature, which one gradient step updates together."""

    def __init__(self, actor: Actor, alpha: float, learn_alpha: bool):
        super().__init__()
        self.actor = actor
        self.log_alpha = nn.Parameter(torch.tensor(alpha).log(), requires_grad=learn_alpha)

    @property
    def compiles(self) -> bool:
        """Whether a gradient step can be compiled whole."""
        return self.actor.compiles


def soft_value(
    q: Float[Tensor, "critic *batch"], log_prob: Float[Tensor, "*batch"], alpha: Float[Tensor, ""]
) -> Float[Tensor, "*batch"]:
    """Return V (equation 3) of sampled actions: the lowest critic's value plus the entropy bonus."""
    return q.min(0).values - alpha * log_prob


def critic_loss(critics: Critics, batch: CriticBatch) -> tuple[Tensor, dict[str, Tensor]]:
    """Return J_Q (equation 5), summed over the critics, and its metrics."""
    q = critics(batch.observation, batch.episode_start, batch.action, batch.burn_in)
    loss = 0.5 * squared_error(q, batch.target, batch.weight)
    return loss, {"losses/critic": loss.detach(), "train/q": q.detach().mean()}


def temperature_loss(
    log_alpha: Float[Tensor, ""],
    log_prob: Float[Tensor, "*batch"],
    target_entropy: float,
    weight: Float[Tensor, "*batch"],
) -> Float[Tensor, ""]:
    """Return J(α) (equation 18) in terms of log α, as in the authors' code."""
    return -(log_alpha * (log_prob.detach() + target_entropy) * weight).sum()


def actor_loss(
    policy: SoftPolicy, batch: ActorBatch, critics: Critics, target_entropy: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return J_π (equation 9) plus J(α), which share no parameter, and their metrics."""
    assert batch.noise is not None
    distribution: SquashedGaussian = policy.actor.rows(batch.observation, batch.episode_start, batch.burn_in)
    action, log_prob = distribution.reparameterize(batch.noise)
    q = critics(batch.observation, batch.episode_start, action, batch.burn_in)
    alpha = policy.log_alpha.detach().exp()
    loss = -(soft_value(q, log_prob, alpha) * batch.weight).sum()
    metrics = {"losses/actor": loss.detach(), "train/entropy": -(log_prob.detach() * batch.weight).sum()}
    total = loss + temperature_loss(policy.log_alpha, log_prob, target_entropy, batch.weight)
    return total, metrics | {"train/alpha": alpha}


class SAC(NetworkAgent):
    """Soft actor-critic: a stochastic policy that maximises return and entropy.

    Source: Haarnoja et al., 2018. Example: `SAC("Pendulum-v1", seed=1).learn(20_000)`.
    """

    name = "sac"
    samples_actions = True
    Config = SACConfig
    config: SACConfig
    policy: Actor
    critics: Critics

    def __init__(self, env: EnvLike, *, seed: int = 0, config: SACConfig | None = None, **options: Unpack[SACKeywords]):
        super().__init__(env, seed=seed, config=config, **options)

    def _build(self) -> None:
        config = self.config
        with initial_weights(self.seed):
            head = partial(GaussianHead, log_std=config.log_std)
            self.policy = Actor(self.spaces.observation, self.spaces.action, config, head, self.name).eval()
            self.soft_policy = SoftPolicy(self.policy, config.alpha, config.learn_alpha)
            self.critics = Critics(config.critics, self.policy, config).eval()
            device = choose_device(config.device, self.soft_policy, self.critics, batch_size=config.batch_size)
            self.learner = self.critic_learner = Learner(self.critics, critic_loss, config, device=device)
            self.target = TargetNetwork(self.critic_learner)
            entropy = -float(self.policy.actions.size) if config.target_entropy is None else config.target_entropy
            loss = partial(actor_loss, critics=self.critic_learner.frozen(), target_entropy=entropy)
            self.actor_learner = Learner(self.soft_policy, loss, config, device=device)
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
                self.action = output.sample(self.noise)[0].cpu().numpy()
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
        """Take a gradient step of the critics and one of policy and temperature, and update the target critics."""
        config, first = self.config, self.shape.burn_in
        weight = sample.weight[first:] / config.batch_size
        target = td_target(sample, self.next_value(sample))[first:]
        observation, episode_start, action = sample.observation, sample.episode_start, sample.action[first:]
        self.critic_learner.step(CriticBatch(observation, episode_start, action, target, weight))
        noise = torch.empty_like(action).normal_(generator=self.noise)
        self.actor_learner.step(ActorBatch(observation, episode_start, weight, noise))
        self.target.update(config.tau)

    @torch.no_grad()
    def next_value(self, sample: Transitions) -> Float[Tensor, "longer batch"]:
        """Return the soft values of the next observations, by the target critics."""
        distribution: SquashedGaussian = self.policy.rows(sample.next_observation, sample.next_episode_start)
        action, log_prob = distribution.sample_with_log_prob(self.noise)
        q = self.target.module(sample.next_observation, sample.next_episode_start, action)
        return soft_value(q, log_prob, self.soft_policy.log_alpha.exp())

    def components(self) -> dict[str, Stateful]:
        return {
            "policy": self.soft_policy,
            "critics": self.critics,
            "target": self.target.module,
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
