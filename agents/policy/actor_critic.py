"""A policy and a value function over one observation, their losses, and what they say of a rollout."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from gymnasium import Space
from jaxtyping import Bool, Float, Shaped
from torch import Generator, Tensor, nn

from sandlot.agents.action_info import ActionInfo
from sandlot.agents.buffers.rollout import RolloutBuffer
from sandlot.agents.spaces.actions import check_mask, head_for
from sandlot.agents.spaces.observation_encoder import NetworkConfig, encoder_for, has_images, has_memory
from sandlot.agents.spaces.observations import preprocessor_for
from sandlot.envs import tree_map
from sandlot.supervised.networks import Distribution, Memory, ValueHead
from sandlot.supervised.networks.encoder import TensorTree


@dataclass(frozen=True, kw_only=True)
class ActorCriticConfig(NetworkConfig):
    """Networks of policy and value function."""

    shared_encoder: bool | None = None
    """Share one encoder between policy and value function; by default only for images."""
    log_std: float = 0.0
    """Initial log standard deviation of continuous actions."""
    scale_actions: bool = True
    """Scale continuous actions from [-1, 1] to the bounds; off, they are in the environment's units, and clipped."""


class ActorCriticOutput(NamedTuple):
    """The policy and the value of each row of a sequence, and the memory after the last."""

    distribution: Distribution
    value: Float[Tensor, "time batch"]
    memory: Memory


class ActorCritic(nn.Module):
    """A distribution over actions and an estimate of the return, for each row of a sequence.

    Policy and value function have an encoder each, or share one; `agent` is the name in error messages.
    """

    def __init__(self, observation_space: Space, action_space: Space, config: ActorCriticConfig, agent: str):
        super().__init__()
        check_mask(observation_space, action_space)
        self.preprocessor = preprocessor_for(observation_space, config.normalize_observations)
        self.actor = encoder_for(self.preprocessor, config)
        shared = has_images(self.preprocessor) if config.shared_encoder is None else config.shared_encoder
        self.critic = None if shared else encoder_for(self.preprocessor, config)
        self.head = head_for(action_space, self.actor.feature_size, config.log_std, agent, config.scale_actions)
        self.value = ValueHead((self.critic or self.actor).feature_size)
        self.has_memory = has_memory(self.actor)
        """Whether anything is carried between steps."""
        self._normalizes = config.normalize_observations
        self._has_training_mode = any(isinstance(part, nn.Dropout | nn.BatchNorm1d) for part in self.modules())

    @property
    def compiles(self) -> bool:
        """Whether a gradient step can be compiled whole: shapes that depend on where episodes start can't."""
        return not self.has_memory

    @property
    def device(self) -> torch.device:
        """Where its parameters are."""
        return self.value.linear.weight.device

    def initial_memory(self, batch: int) -> Memory:
        """Return the memory of actor and critic before an episode."""
        return tuple(encoder.initial_memory(batch) for encoder in (self.actor, self.critic) if encoder is not None)

    def to_env(self, action: np.ndarray) -> np.ndarray:
        """Return actions of the policy as the environment takes them."""
        return self.head.to_env(action)

    def act(
        self, observation: TensorTree, memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> tuple[Distribution, Memory]:
        """Return the distribution over actions, leaving the critic (and its memory) aside."""
        features, actor_memory = self.actor(self.preprocessor(observation), memory[0], episode_start)
        return self.head(features, self.preprocessor.mask(observation)), (actor_memory, *memory[1:])

    def forward(
        self, observation: TensorTree, memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> ActorCriticOutput:
        """Return the distributions, the values and the memory after the last row."""
        inputs = self.preprocessor(observation)
        features, actor_memory = self.actor(inputs, memory[0], episode_start)
        distribution = self.head(features, self.preprocessor.mask(observation))
        if self.critic is None:
            return ActorCriticOutput(distribution, self.value(features), (actor_memory,))
        features, critic_memory = self.critic(inputs, memory[1], episode_start)
        return ActorCriticOutput(distribution, self.value(features), (actor_memory, critic_memory))

    def evaluate(
        self, observation: TensorTree, memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> tuple[Distribution, Float[Tensor, "time batch"]]:
        """Return the distributions and the values, without the work of carrying the memory further."""
        inputs = self.preprocessor(observation)
        features = self.actor.features(inputs, memory[0], episode_start)
        distribution = self.head(features, self.preprocessor.mask(observation))
        if self.critic is not None:
            features = self.critic.features(inputs, memory[1], episode_start)
        return distribution, self.value(features)

    def values(
        self, observation: TensorTree, memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> Float[Tensor, "time batch"]:
        """Return the values alone."""
        inputs = self.preprocessor(observation)
        if self.critic is None:
            return self.value(self.actor.features(inputs, memory[0], episode_start))
        return self.value(self.critic.features(inputs, memory[1], episode_start))

    @contextmanager
    def learning(self) -> Iterator[None]:
        """Be in training mode, for dropout and batch normalisation, while in the context."""
        if not self._has_training_mode:
            yield
            return
        self.train()
        yield
        self.eval()

    @torch.no_grad()
    def update_statistics(self, observation: TensorTree, weight: Float[Tensor, "time batch"]) -> None:
        """Let the observation normaliser take in the observations of the rows whose `weight` is not 0."""
        if self._normalizes:
            self.preprocessor.update(observation, weight.flatten().nonzero().squeeze(-1))

    def select_action(
        self,
        observation: TensorTree,
        memory: Memory,
        episode_start: Bool[Tensor, "1 batch"],
        deterministic: bool,
        generator: Generator,
    ) -> tuple[Shaped[Tensor, "1 batch *action"], Memory]:
        """Return the likeliest action of each row, or a sampled one, and the memory to pass with the next."""
        distribution, memory = self.act(observation, memory, episode_start)
        return _chosen(distribution, deterministic, generator), memory

    def explain(
        self,
        observation: TensorTree,
        memory: Memory,
        episode_start: Bool[Tensor, "1 batch"],
        deterministic: bool,
        generator: Generator,
    ) -> tuple[Shaped[Tensor, "1 batch *action"], Memory, ActionInfo]:
        """Return what `select_action` does, with the probabilities and the value behind it."""
        distribution, value, memory = self(observation, memory, episode_start)
        info = self.head.action_info(distribution)._replace(value=value[0].cpu().numpy())
        return _chosen(distribution, deterministic, generator), memory, info


def policy_gradient_loss(
    log_prob: Float[Tensor, "*batch"], advantage: Float[Tensor, "*batch"], weight: Float[Tensor, "*batch"]
) -> Float[Tensor, ""]:
    """Return the negated objective whose gradient is the policy gradient (Sutton and Barto, 2018, equation 13.11)."""
    return -(log_prob * advantage * weight).sum()


def value_loss(
    value: Float[Tensor, "*batch"], target: Float[Tensor, "*batch"], weight: Float[Tensor, "*batch"]
) -> Float[Tensor, ""]:
    """Return the mean squared error of the values."""
    return ((value - target).square() * weight).sum()


class EvaluatedRollout(NamedTuple):
    """What the policy that acted, and its value function, say of a rollout; tensors on the device of the policy."""

    observation: TensorTree
    episode_start: Bool[Tensor, "time env"]
    action: Shaped[Tensor, "time env ..."]
    log_prob: Float[Tensor, "time env"]
    value: Float[Tensor, "time env"]
    next_value: Float[np.ndarray, "time env"]
    """Value of where each step led: of the true final observation where an episode was truncated."""
    memories: list[Memory]
    """Memory at the beginning of each sequence."""
    last_memory: Memory


@torch.no_grad()
def evaluate_rollout(
    policy: ActorCritic, buffer: RolloutBuffer, memory: Memory, sequence_length: int, with_log_prob: bool = True
) -> EvaluatedRollout:
    """Return the values and log-probabilities of a full rollout that began with `memory`.

    Gradients will flow through sequences of `sequence_length` steps, which matters to networks with memory alone.
    """
    device = policy.device
    observation, episode_start = buffer.observations(device)
    now = tree_map(lambda leaf: leaf[:-1], observation)
    action = torch.from_numpy(buffer.action).to(device)
    memories = [memory]
    if with_log_prob or policy.has_memory:
        length = sequence_length if policy.has_memory else buffer.num_steps
        memories, evaluated = [], []
        for first in range(0, buffer.num_steps, length):
            rows = slice(first, first + length)
            memories.append(memory)
            part = tree_map(lambda leaf, rows=rows: leaf[rows], now)
            distribution, value, memory = policy(part, memory, episode_start[rows])
            evaluated.append((distribution.log_prob(action[rows]), value))
        log_prob, value = map(torch.cat, zip(*evaluated, strict=True))
        last_value = policy.values(tree_map(lambda leaf: leaf[-1:], observation), memory, episode_start[-1:])
        values = torch.cat([value, last_value])
    else:
        values = policy.values(observation, memory, episode_start)
        log_prob = torch.full_like(values[:-1], torch.nan)
    next_value = values[1:].cpu().numpy().copy()
    for t, envs, final in buffer.final_observations:
        begin = memories[t // sequence_length if policy.has_memory else 0]
        carried = tree_map(lambda leaf, envs=envs: leaf[envs], begin)
        if policy.has_memory:
            since = slice(t // sequence_length * sequence_length, t + 1)
            part = tree_map(lambda leaf, since=since, envs=envs: leaf[since, envs], now)
            _, _, carried = policy(part, carried, episode_start[since, envs])
        seen = tree_map(lambda leaf: torch.as_tensor(leaf)[None].to(device), final)
        next_value[t, envs] = policy(seen, carried, episode_start.new_zeros(1, len(envs))).value[0].cpu().numpy()
    return EvaluatedRollout(now, episode_start[:-1], action, log_prob, values[:-1], next_value, memories, memory)


def explained_variance(value: Float[Tensor, "time env"], target: Float[Tensor, "time env"], weight: Tensor) -> float:
    """Return the share of the targets' variance that the values explain: 1 at best, 0 if they explain nothing."""
    rows = weight > 0
    value, target = value[rows], target[rows]
    variance = target.var(correction=0)
    return float(1 - (target - value).var(correction=0) / variance) if variance > 0 else 0.0


def _chosen(distribution: Distribution, deterministic: bool, generator: Generator) -> Shaped[Tensor, "1 batch *action"]:
    return distribution.mode() if deterministic else distribution.sample(generator)
