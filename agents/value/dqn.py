"""Deep Q-learning, with the parts of Rainbow.

Sources: Mnih et al., "Human-level control through deep reinforcement learning", 2015; Hessel et al., "Rainbow:
combining improvements in deep reinforcement learning", 2018, and the paper of each part.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, Unpack

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sandlot.agents.action_info import ActionInfo
from sandlot.agents.base import EnvLike
from sandlot.agents.buffers.config import LOG_EVERY, OffPolicyConfig, SampleShape
from sandlot.agents.buffers.hindsight import replay_buffer
from sandlot.agents.buffers.prioritized import PrioritizedSampler, importance_weights
from sandlot.agents.buffers.replay import Rows, Transitions
from sandlot.agents.keywords import DQNKeywords
from sandlot.agents.network_agent import NetworkAgent, initial_weights, row
from sandlot.envs import Observation, Step, tree_map
from sandlot.supervised import Learner, TargetNetwork
from sandlot.supervised.networks import Activation, CategoricalHead, Memory
from sandlot.supervised.networks.encoder import TensorTree
from sandlot.supervised.optimization.components import Stateful
from sandlot.tracking import require

from .q_network import (
    Distribution,
    QHeadConfig,
    QNetwork,
    categorical_projection,
    cross_entropy,
    head_factory,
    huber,
    q_taken,
    quantile_huber,
    td_target,
)

LOSSES = {"none": huber, "c51": cross_entropy, "quantile": quantile_huber}
STEPS_AT_ONCE = 32
"""Gradient steps that are sampled, and evaluated by the target network, together, where nothing forbids it."""


@dataclass(frozen=True, kw_only=True)
class DQNConfig(OffPolicyConfig, QHeadConfig):
    """Hyperparameters of DQN."""

    learning_rate: float = 5e-4
    """Initial learning rate."""
    optimizer_epsilon: float = 1e-8
    """ε in the denominator of Adam, RMSprop and Adagrad."""
    max_grad_norm: float = 10.0
    """Clip gradients to this L2 norm; 0 disables clipping."""
    activation: Activation = "relu"
    """Activation of an MLP's layers."""
    batch_size: int = 64
    """Batch size."""
    train_freq: int = 4
    """Env steps between updates."""
    target_update_interval: int = 1_000
    """Env steps between updates of the target network."""
    exploration_fraction: float = 0.1
    """Fraction of the run over which ε decays."""
    exploration_initial_eps: float = 1.0
    """Initial ε of ε-greedy exploration."""
    exploration_final_eps: float = 0.05
    """Final ε of ε-greedy exploration."""
    rainbow: bool = False
    """Rainbow: double, dueling, prioritized, noisy, c51 and 3-step returns together."""
    double: bool = False
    """Double Q-learning (van Hasselt et al., 2016)."""
    prioritized: bool = False
    """Prioritized experience replay (Schaul et al., 2016)."""
    priority_exponent: float = 0.6
    """Priority exponent α; 0 samples uniformly."""
    importance_exponent: float = 0.4
    """Initial importance-sampling exponent β; it rises to 1 over the run."""

    def __post_init__(self) -> None:
        OffPolicyConfig.__post_init__(self)
        QHeadConfig.__post_init__(self)
        require((every := self.target_update_interval) >= 1, "target_update_interval must be at least 1", every)
        fractions = ("exploration_fraction", "exploration_initial_eps", "exploration_final_eps")
        for name in (*fractions, "priority_exponent", "importance_exponent"):
            require(0 <= getattr(self, name) <= 1, f"{name} must be in [0, 1]", getattr(self, name))


def with_rainbow(config: DQNConfig) -> DQNConfig:
    """Return `config` with the parts that `rainbow` stands for written out, as the record shows them."""
    if not config.rainbow:
        return config
    distribution: Distribution = "c51" if config.distribution == "none" else config.distribution
    parts = {"double": True, "dueling": True, "prioritized": True, "noisy": True}
    return replace(config, **parts, distribution=distribution, n_step=max(config.n_step, 3))


class Batch(NamedTuple):
    """Rows to learn from, and the targets of the actions taken there."""

    observation: TensorTree
    episode_start: Bool[Tensor, "longer batch"]
    action: Int[Tensor, "time batch"]
    target: Float[Tensor, "time batch atom"]
    weight: Float[Tensor, "time batch"]
    """Sums to about 1."""


def dqn_loss(policy: QNetwork, batch: Batch, config: DQNConfig) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the loss of the actions taken, and its metrics; `td_error` has one number for each row."""
    burn_in = len(batch.episode_start) - len(batch.weight)
    atoms = q_taken(policy.atoms(batch.observation, batch.episode_start, burn_in), batch.action)
    error = LOSSES[config.distribution](atoms, batch.target)
    loss = (error * batch.weight).sum()
    with torch.no_grad():
        td_error = (atoms - batch.target).abs().squeeze(-1) if config.distribution == "none" else error
        td_error = td_error * (batch.weight > 0)  # rows that only reset have none
        value = policy.head.values(atoms).mean()
    return loss, {"losses/td": loss.detach(), "train/q": value, "td_error": td_error.detach()}


class DQN(NetworkAgent):
    """Deep Q-learning, with the parts of Rainbow by option.

    Source: Mnih et al., 2015; Hessel et al., 2018. Example: `DQN("CartPole-v1", seed=1, double=True).learn(50_000)`.
    """

    name = "dqn"
    Config = DQNConfig
    config: DQNConfig
    policy: QNetwork

    def __init__(self, env: EnvLike, *, seed: int = 0, config: DQNConfig | None = None, **options: Unpack[DQNKeywords]):
        super().__init__(env, seed=seed, config=config, **options)

    def _build(self) -> None:
        self.config = config = with_rainbow(self.config)
        with initial_weights(self.seed):
            head = head_factory(config)
            self.policy = QNetwork(self.spaces.observation, self.spaces.action, config, head, self.name).eval()
            self.learner = Learner(self.policy, partial(dqn_loss, config=config), config)
            self.target = TargetNetwork(self.learner)
        self.shape = SampleShape.of(config, self.policy.has_memory)
        self.rng = np.random.default_rng(self.seed)
        self.noise = torch.Generator(self.device).manual_seed(self.seed)
        self.buffer = replay_buffer(config, (), np.dtype(np.int64), self.spaces.observation, self.env_factory)
        self.sampler: PrioritizedSampler | None = None

    @property
    def epsilon(self) -> float:
        """Probability of a random action now."""
        config = self.config
        if config.noisy:
            return 0.0
        done = min(self.progress / config.exploration_fraction, 1.0) if config.exploration_fraction else 1.0
        return config.exploration_initial_eps + done * (config.exploration_final_eps - config.exploration_initial_eps)

    def prepare(self, steps: int) -> None:
        self.learner.prepare(self.config.updates_until(steps, self.env_step))

    def reset(self, observation: Observation, seed: int) -> None:
        self.buffer.reset(observation)
        self.rng = np.random.default_rng(seed)
        self.noise.manual_seed(seed)
        self.memory = self.policy.initial_memory(self.buffer.num_envs)

    @torch.inference_mode()
    def exploration_action(self) -> np.ndarray:
        observation, episode_start = self.buffer.latest
        random = self.rng.random(len(episode_start)) < self.epsilon
        if random.all() and not self.policy.has_memory:
            self.action = self.random_action(observation, len(random))
        else:
            self.policy.resample_noise(self.noise)
            inputs, start = self.on_device((tree_map(lambda leaf: leaf[None], observation), episode_start[None]))
            values, self.memory = self.policy(inputs, self.memory, start)
            self.action = self.policy.greedy_action(values, inputs)[0].cpu().numpy()
            if random.any():
                self.action = np.where(random, self.random_action(observation, len(random)), self.action)
        return self.policy.to_env(self.action)

    def observe(self, step: Step) -> Mapping[str, float] | None:
        config, now = self.config, self.env_step
        before = now - int(step.valid.sum())
        self.buffer.add(self.action, step)
        if config.normalize_observations:
            self.policy.update_statistics(self.on_device(step.observation), step.valid)
        due = (now // config.train_freq - before // config.train_freq) * config.gradient_steps
        if due and now > config.learning_starts and self.buffer.can_sample(self.shape):
            self.learner.anneal(self.progress)
            self.update(due)
        if now // config.target_update_interval > before // config.target_update_interval:
            self.target.update(config.tau)
        return self.learner.metrics() if now // LOG_EVERY > before // LOG_EVERY else None

    def update(self, gradient_steps: int) -> None:
        """Take gradient steps, as many at once as share a sample and a pass of the target network."""
        self.policy.train()
        at_once = 1 if self.config.prioritized or self.config.noisy else STEPS_AT_ONCE
        for first in range(0, gradient_steps, at_once):
            self.take_steps(min(at_once, gradient_steps - first))
        self.policy.eval()

    def take_steps(self, count: int) -> None:
        """Sample the batches of `count` gradient steps, and learn from one after the other."""
        sample, rows = self.sample(count)
        self.policy.resample_noise(self.noise)
        self.target.module.resample_noise(self.noise)
        with torch.no_grad():
            next_atoms = self.target.module.atoms(sample.next_observation, sample.next_episode_start)
        for step in range(count):
            part = slice(step * self.shape.size, (step + 1) * self.shape.size)
            of_step = tree_map(lambda leaf, part=part: leaf if leaf is None else leaf[:, part], (sample, next_atoms))
            metrics = self.learner.step(self.targets(*of_step))
            if self.sampler is not None:
                self.sampler.update(rows, metrics["td_error"].cpu().numpy())

    def sample(self, count: int) -> tuple[Transitions, Rows]:
        """Sample the rows of `count` gradient steps, uniformly or by priority."""
        config, shape = self.config, self.shape
        if not config.prioritized:
            rows = self.buffer.sample(count * shape.size, self.rng, shape.length)
            return self.on_device(self.buffer.take(rows, shape, config.gamma, config.n_step)), rows
        if self.sampler is None:
            self.sampler = PrioritizedSampler(self.buffer, config.priority_exponent, shape.length)
        rows, probability = self.sampler.sample(shape.size, self.rng)
        beta = config.importance_exponent + self.progress * (1 - config.importance_exponent)
        weight = torch.from_numpy(importance_weights(probability, beta)).to(self.device)
        sample = self.on_device(self.buffer.take(rows, shape, config.gamma, config.n_step))
        return sample._replace(weight=sample.weight * weight), rows

    @torch.no_grad()
    def targets(self, sample: Transitions, next_atoms: Float[Tensor, "longer batch action atom"]) -> Batch:
        """Return the batch with its targets, given the target network's atoms of the next observations.

        With `double`, the learning network chooses the next action and the target network evaluates it.
        """
        policy, first = self.policy, self.shape.burn_in
        choosing = next_atoms
        if self.config.double:
            choosing = policy.atoms(sample.next_observation, sample.next_episode_start)
        next_action = policy.greedy_action(policy.head.values(choosing), sample.next_observation)
        next_best = q_taken(next_atoms, next_action)
        if sample.next_index is not None:
            index = sample.next_index[..., None].expand(*sample.next_index.shape, next_best.shape[-1])
            next_best = next_best.gather(0, index)
        reward, discount = sample.reward[first:], sample.discount[first:]
        if isinstance(policy.head, CategoricalHead):
            target = categorical_projection(next_best[first:].exp(), reward, discount, policy.head.support)
        else:
            target = td_target(reward, discount, next_best[first:])
        weight = sample.weight[first:] / self.config.batch_size
        return Batch(sample.observation, sample.episode_start, sample.action[first:], target, weight)

    def policy_action(
        self, observation: TensorTree, memory: Memory, episode_start: Bool[Tensor, "1 batch"], deterministic: bool
    ) -> tuple[Int[Tensor, "1 batch"], Memory]:
        """Return the best action of each row, or, not `deterministic`, a random one with the final ε."""
        action, memory, _ = self.explain_action(observation, memory, episode_start, deterministic)
        return action, memory

    def explain_action(
        self, observation: TensorTree, memory: Memory, episode_start: Bool[Tensor, "1 batch"], deterministic: bool
    ) -> tuple[Int[Tensor, "1 batch"], Memory, ActionInfo]:
        self.policy.use_noise(not deterministic)
        if not deterministic:
            self.policy.resample_noise(self.noise)
        values, memory = self.policy(observation, memory, episode_start)
        self.policy.use_noise(True)
        action = self.policy.greedy_action(values, observation)
        if not deterministic and not self.config.noisy:
            random = self.rng.random(action.shape) < self.config.exploration_final_eps
            drawn = self.random_action(tree_map(lambda leaf: leaf[0], observation), action.shape[1])
            action = torch.where(self.on_device(random), self.on_device(drawn), action)
        mask = self.policy.preprocessor.mask(observation)
        q_values = row(values if mask is None else values.masked_fill(~mask, -torch.inf))
        return action, memory, ActionInfo(action_value=q_values, value=q_values.max(-1))

    def random_action(self, observation: Observation, count: int) -> Int[np.ndarray, "batch"]:
        """Draw a legal action for each of `count` rows."""
        return self.policy.random_action(self.on_device(observation), count, self.rng)

    def components(self) -> dict[str, Stateful]:
        return {"policy": self.policy, "target": self.target.module, "learner": self.learner}

    def experience(self) -> dict[str, np.ndarray]:
        priorities = {} if self.sampler is None else self.sampler.state()
        return self.buffer.state() | {f"priorities.{name}": array for name, array in priorities.items()}

    def load_experience(self, tensors: Mapping[str, np.ndarray]) -> None:
        self.buffer.load_state(tensors, self.spaces.observation.sample())
        prefix = "priorities."
        priorities = {name.removeprefix(prefix): tensors[name] for name in tensors if name.startswith(prefix)}
        if priorities:
            self.sampler = PrioritizedSampler(self.buffer, self.config.priority_exponent, self.shape.length)
            self.sampler.load_state(priorities)
