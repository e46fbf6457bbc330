"""A policy and a value function over one observation: what on-policy agents learn."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from gymnasium import Space
from jaxtyping import Bool, Float
from torch import Tensor, nn

from supervised.networks import Activation, Distribution, Memory, orthogonal
from tracking import require

from .actions import head_for
from .observations import Network, encoder_for, has_images, inputs_for


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """What reads the observations."""

    network: Network = "auto"
    """Kind of network: mlp, cnn, or auto (a CNN for images, an MLP for the rest)."""
    hidden: tuple[int, ...] = (64, 64)
    """Sizes of an MLP's layers."""
    activation: Activation = "tanh"
    """Activation of an MLP's layers."""
    shared_encoder: bool | None = None
    """One network for policy and value; by default for images only."""
    log_std: float = 0.0
    """Log of the standard deviation that real-valued actions start with."""
    normalize_observations: bool = False
    """Shift and scale vector observations to mean 0 and variance 1 by running statistics."""

    def __post_init__(self) -> None:
        require(all(size > 0 for size in self.hidden), "hidden sizes must be positive", self.hidden)


class Judgement(NamedTuple):
    """What an actor-critic makes of each row of a sequence."""

    distribution: Distribution
    value: Float[Tensor, "time batch"]
    memory: Memory


class ActorCritic(nn.Module):
    """A distribution over actions and an estimate of the return, for each row of a sequence."""

    def __init__(self, observation_space: Space, action_space: Space, config: NetworkConfig, agent: str):
        super().__init__()
        self.inputs = inputs_for(observation_space, config.normalize_observations)
        kind = (config.network, config.hidden, config.activation)
        self.actor = encoder_for(self.inputs, *kind)
        shared = has_images(self.inputs) if config.shared_encoder is None else config.shared_encoder
        self.critic = None if shared else encoder_for(self.inputs, *kind)
        self.head = head_for(action_space, self.actor.feature_size, config.log_std, agent)
        self.value = orthogonal(nn.Linear((self.critic or self.actor).feature_size, 1), gain=1.0)

    def initial_memory(self, batch: int) -> Memory:
        """Return the memory of actor and critic before an episode."""
        return tuple(encoder.initial_memory(batch) for encoder in (self.actor, self.critic) if encoder is not None)

    def act(self, observation: Any, memory: Memory, start: Bool[Tensor, "time batch"]) -> tuple[Distribution, Memory]:
        """Return the distribution over actions, leaving the critic (and its memory) aside."""
        features, actor_memory = self.actor(self.inputs(observation), memory[0], start)
        return self.head(features), (actor_memory, *memory[1:])

    def forward(self, observation: Any, memory: Memory, start: Bool[Tensor, "time batch"]) -> Judgement:
        """Return the distributions, the values and the memory after the last row."""
        inputs = self.inputs(observation)
        features, actor_memory = self.actor(inputs, memory[0], start)
        distribution = self.head(features)
        if self.critic is None:
            return Judgement(distribution, self.value(features).squeeze(-1), (actor_memory,))
        features, critic_memory = self.critic(inputs, memory[1], start)
        return Judgement(distribution, self.value(features).squeeze(-1), (actor_memory, critic_memory))

    @torch.no_grad()
    def update_statistics(self, observation: Any, rows: Tensor) -> None:
        """Let the observation normaliser take in the observations at the flattened `rows`."""
        self.inputs.update(observation, rows)
