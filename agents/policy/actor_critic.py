"""A policy and a value function over one observation: what on-policy agents learn."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from gymnasium import Space
from jaxtyping import Bool, Float
from torch import Tensor, nn

from sandlot.agents.spaces.actions import check_mask, head_for
from sandlot.agents.spaces.observation_encoder import NetworkConfig, encoder_for, has_images, has_memory
from sandlot.agents.spaces.observations import preprocessor_for
from sandlot.supervised.networks import Distribution, Memory, ValueHead


@dataclass(frozen=True, kw_only=True)
class ActorCriticConfig(NetworkConfig):
    """What reads the observations, for policy and value function."""

    shared_encoder: bool | None = None
    """One network for policy and value; by default for images only."""
    log_std: float = 0.0
    """Log of the standard deviation that real-valued actions start with."""


class ActorCriticOutput(NamedTuple):
    """What an actor-critic makes of each row of a sequence."""

    distribution: Distribution
    value: Float[Tensor, "time batch"]
    memory: Memory


class ActorCritic(nn.Module):
    """A distribution over actions and an estimate of the return, for each row of a sequence."""

    def __init__(self, observation_space: Space, action_space: Space, config: ActorCriticConfig, agent: str):
        super().__init__()
        check_mask(observation_space, action_space)
        self.inputs = preprocessor_for(observation_space, config.normalize_observations)
        self.actor = encoder_for(self.inputs, config)
        shared = has_images(self.inputs) if config.shared_encoder is None else config.shared_encoder
        self.critic = None if shared else encoder_for(self.inputs, config)
        self.head = head_for(action_space, self.actor.feature_size, config.log_std, agent)
        self.value = ValueHead((self.critic or self.actor).feature_size)
        self.has_memory = has_memory(self.actor)
        """Whether anything is carried between steps."""
        self._normalizes = config.normalize_observations
        self._differs = any(isinstance(part, nn.Dropout | nn.BatchNorm1d) for part in self.modules())

    @property
    def compiles(self) -> bool:
        """Whether a gradient step can be compiled whole: shapes that depend on where episodes start can't."""
        return not self.has_memory

    def initial_memory(self, batch: int) -> Memory:
        """Return the memory of actor and critic before an episode."""
        return tuple(encoder.initial_memory(batch) for encoder in (self.actor, self.critic) if encoder is not None)

    def act(
        self, observation: Any, memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> tuple[Distribution, Memory]:
        """Return the distribution over actions, leaving the critic (and its memory) aside."""
        features, actor_memory = self.actor(self.inputs(observation), memory[0], episode_start)
        return self.head(features, self.inputs.mask(observation)), (actor_memory, *memory[1:])

    def forward(self, observation: Any, memory: Memory, episode_start: Bool[Tensor, "time batch"]) -> ActorCriticOutput:
        """Return the distributions, the values and the memory after the last row."""
        inputs = self.inputs(observation)
        features, actor_memory = self.actor(inputs, memory[0], episode_start)
        distribution = self.head(features, self.inputs.mask(observation))
        if self.critic is None:
            return ActorCriticOutput(distribution, self.value(features), (actor_memory,))
        features, critic_memory = self.critic(inputs, memory[1], episode_start)
        return ActorCriticOutput(distribution, self.value(features), (actor_memory, critic_memory))

    def evaluate(
        self, observation: Any, memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> tuple[Distribution, Float[Tensor, "time batch"]]:
        """Return the distributions and the values, without the work of carrying the memory further."""
        inputs = self.inputs(observation)
        features = self.actor.features(inputs, memory[0], episode_start)
        distribution = self.head(features, self.inputs.mask(observation))
        if self.critic is not None:
            features = self.critic.features(inputs, memory[1], episode_start)
        return distribution, self.value(features)

    def values(
        self, observation: Any, memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> Float[Tensor, "time batch"]:
        """Return the values alone."""
        inputs = self.inputs(observation)
        if self.critic is None:
            return self.value(self.actor.features(inputs, memory[0], episode_start))
        return self.value(self.critic.features(inputs, memory[1], episode_start))

    @contextmanager
    def learning(self) -> Iterator[None]:
        """Let what differs between learning and playing (dropout, batch normalisation) learn while in the context."""
        if not self._differs:
            yield
            return
        self.train()
        yield
        self.eval()

    @torch.no_grad()
    def update_statistics(self, observation: Any, weight: Float[Tensor, "time batch"]) -> None:
        """Let the observation normaliser take in the observations of the rows whose `weight` is not 0."""
        if self._normalizes:
            self.inputs.update(observation, weight.flatten().nonzero().squeeze(-1))
