"""Actors and critics of continuous actions, and the losses that DDPG, TD3 and SAC share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import Space
from jaxtyping import Bool, Float
from torch import Generator, Tensor, nn

from sandlot.agents.action_info import ActionInfo
from sandlot.agents.buffers.config import OffPolicyConfig
from sandlot.agents.buffers.replay import Transitions
from sandlot.agents.spaces.actions import bounded_actions, check_mask
from sandlot.agents.spaces.feature_extractor import FeatureExtractor
from sandlot.agents.spaces.observation_encoder import NetworkConfig, reader_before_mlp
from sandlot.agents.spaces.observations import preprocessor_for
from sandlot.supervised import Learner
from sandlot.supervised.networks import (
    MLP,
    Activation,
    Ensemble,
    Memory,
    Sequential,
    SquashedGaussian,
    in_float32,
    orthogonal,
)
from sandlot.supervised.networks.encoder import TensorTree

LOG_STD_RANGE = (-20.0, 2.0)


@dataclass(frozen=True, kw_only=True)
class ContinuousConfig(OffPolicyConfig):
    """Hyperparameters that DDPG, TD3 and SAC share; defaults are Stable-Baselines3's, unless said."""

    optimizer_epsilon: float = 1e-8
    """ε in the denominator of Adam, RMSprop and Adagrad."""
    max_grad_norm: float = 0.0
    """Clip gradients to this L2 norm; 0 disables clipping."""
    hidden: tuple[int, ...] = (256, 256)
    """Sizes of an MLP's layers; the critics' reads the action too. Other networks are followed by this MLP."""
    activation: Activation = "relu"
    """Activation of an MLP's layers."""
    buffer_size: int = 300_000
    """Capacity of the replay buffer in env steps (Stable-Baselines3: 1,000,000)."""
    learning_starts: int = 100
    """Env steps with uniformly random actions before the first update."""
    tau: float = 0.005
    """Polyak coefficient τ of the target networks."""


class GaussianHead(nn.Module):
    """A squashed Gaussian whose standard deviation depends on the observation."""

    def __init__(self, feature_size: int, size: int, log_std: float = 0.0):
        super().__init__()
        self.linear = orthogonal(nn.Linear(feature_size, 2 * size), gain=0.01)
        nn.init.constant_(self.linear.bias.detach()[size:], log_std)

    def forward(self, features: Float[Tensor, "*batch feature"]) -> SquashedGaussian:
        mean, log_std = in_float32(self.linear, features).chunk(2, dim=-1)
        return SquashedGaussian(mean, log_std.clamp(*LOG_STD_RANGE))

    def action(self, output: SquashedGaussian, deterministic: bool, generator: Generator) -> Float[Tensor, "..."]:
        """Return the mode of the distribution, or a sample."""
        return output.mode() if deterministic else output.sample(generator)

    def moments(self, output: SquashedGaussian) -> tuple[Float[Tensor, "..."], Float[Tensor, "..."] | None]:
        """Return mean and standard deviation of the actions."""
        return output.moments()


class TanhHead(nn.Module):
    """A deterministic action in [-1, 1]."""

    def __init__(self, feature_size: int, size: int):
        super().__init__()
        self.linear = orthogonal(nn.Linear(feature_size, size), gain=0.01)

    def forward(self, features: Float[Tensor, "*batch feature"]) -> Float[Tensor, "*batch size"]:
        return in_float32(self.linear, features).tanh()

    def action(self, output: Float[Tensor, "*shape"], deterministic: bool, generator: Generator) -> Tensor:
        """Return the action itself."""
        return output

    def moments(self, output: Float[Tensor, "*shape"]) -> tuple[Tensor, Tensor | None]:
        """Return the action, which has no standard deviation."""
        return output, None


class Actor(FeatureExtractor):
    """A policy over continuous actions: `make_head` makes its head, given the sizes of features and actions."""

    def __init__(
        self,
        observation_space: Space,
        action_space: Space,
        config: NetworkConfig,
        make_head: Callable[[int, int], GaussianHead | TanhHead],
        agent: str,
    ):
        check_mask(observation_space, action_space)
        actions = bounded_actions(action_space, agent)
        preprocessor = preprocessor_for(observation_space, config.normalize_observations)
        first = reader_before_mlp(preprocessor, config)
        mlp = MLP(first.feature_size, config.hidden, config.activation, config.normalization, config.dropout)
        super().__init__(preprocessor, Sequential([first, mlp]))
        self.actions = actions
        self.head = make_head(mlp.feature_size, self.actions.size)

    def forward(
        self, observation: TensorTree, memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> tuple[Any, Memory]:
        """Return the output of the head for each row, and the memory after the last."""
        features, memory = self.read(observation, memory, episode_start)
        return self.head(features), memory

    def select_action(
        self,
        observation: TensorTree,
        memory: tuple[Memory, Memory],
        episode_start: Bool[Tensor, "1 batch"],
        deterministic: bool,
        generator: Generator,
    ) -> tuple[Float[Tensor, "1 batch size"], tuple[Memory, Memory]]:
        """Return an action for each row, and the memories of actor and critics to pass with the next."""
        output, actor_memory = self(observation, memory[0], episode_start)
        return self.head.action(output, deterministic, generator), (actor_memory, memory[1])

    def to_env(self, action: np.ndarray) -> np.ndarray:
        """Return actions in [-1, 1] as the environment takes them."""
        return self.actions.to_env(action)

    def rows(self, observation: TensorTree, episode_start: Bool[Tensor, "longer batch"], burn_in: int = 0) -> Any:
        """Return the output of the head for each row from `burn_in` on. The rows before only fill the memory."""
        return self.head(self.unroll(observation, episode_start, burn_in))


class Critics(FeatureExtractor):
    """Q functions of continuous actions: `count` MLPs over one encoder."""

    def __init__(self, count: int, actor: Actor, config: NetworkConfig):
        super().__init__(actor.preprocessor, reader_before_mlp(actor.preprocessor, config))
        size = self.encoder.feature_size + actor.actions.size
        self.mlps = Ensemble(count, size, config.hidden, config.activation, config.normalization, config.dropout)

    def forward(
        self,
        observation: TensorTree,
        episode_start: Bool[Tensor, "longer batch"],
        action: Float[Tensor, "time batch size"],
        burn_in: int = 0,
        count: int | None = None,
    ) -> Float[Tensor, "critic time batch"]:
        """Return the Q values of `action` in each row from `burn_in` on, by all critics or the first `count`.

        The rows before only fill the memory.
        """
        return self.evaluate(self.unroll(observation, episode_start, burn_in), action, count)

    def evaluate(
        self,
        features: Float[Tensor, "time batch feature"],
        action: Float[Tensor, "time batch size"],
        count: int | None = None,
    ) -> Float[Tensor, "critic time batch"]:
        """Return the Q values of `action` where observations have these `features`."""
        both = torch.cat((features, action), dim=-1)
        return in_float32(lambda both: self.mlps(both, count), both.flatten(0, 1)).unflatten(1, action.shape[:2])


class CriticBatch(NamedTuple):
    """Rows to learn from, and the critics' targets of the actions taken there."""

    observation: TensorTree
    episode_start: Bool[Tensor, "longer batch"]
    action: Float[Tensor, "time batch size"]
    target: Float[Tensor, "time batch"]
    weight: Float[Tensor, "time batch"]
    """Sums to about 1."""

    @property
    def burn_in(self) -> int:
        """Rows at the beginning that only fill the memory."""
        return len(self.episode_start) - len(self.weight)


class ActorBatch(NamedTuple):
    """Rows in which to improve the policy."""

    observation: TensorTree
    episode_start: Bool[Tensor, "longer batch"]
    weight: Float[Tensor, "time batch"]
    """Sums to about 1."""
    noise: Float[Tensor, "time batch size"] | None = None
    """Standard normal numbers from which a stochastic policy samples its actions."""

    @property
    def burn_in(self) -> int:
        """Rows at the beginning that only fill the memory."""
        return len(self.episode_start) - len(self.weight)


def td_target(sample: Transitions, next_value: Float[Tensor, "longer batch"]) -> Float[Tensor, "time batch"]:
    """Return the n-step targets of a sample: the rewards plus the discounted values of where they led."""
    if sample.next_index is not None:
        next_value = next_value.gather(0, sample.next_index)
    return sample.reward + sample.discount * next_value


def squared_error(
    q: Float[Tensor, "critic time batch"], target: Float[Tensor, "time batch"], weight: Float[Tensor, "time batch"]
) -> Float[Tensor, ""]:
    """Return the weighted sum over rows of the critics' squared errors, summed over critics."""
    return ((q - target).square() * weight).sum()


def critic_loss(critics: Critics, batch: CriticBatch) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the critics' mean squared errors, summed over critics, and their metrics (DDPG, TD3)."""
    q = critics(batch.observation, batch.episode_start, batch.action, batch.burn_in)
    loss = squared_error(q, batch.target, batch.weight)
    return loss, {"losses/critic": loss.detach(), "train/q": q.detach().mean()}


def deterministic_actor_loss(policy: Actor, batch: ActorBatch, critics: Critics) -> tuple[Tensor, dict[str, Tensor]]:
    """Return minus the first critic's value of the policy's actions, and its metrics (DDPG's equation 6)."""
    action = policy.rows(batch.observation, batch.episode_start, batch.burn_in)
    (q,) = critics(batch.observation, batch.episode_start, action, batch.burn_in, count=1)
    loss = -(q * batch.weight).sum()
    return loss, {"losses/actor": loss.detach()}


def actor_critic_metrics(critic: Learner, actor: Learner) -> dict[str, float]:
    """Return the means of both learners' metrics since the last call."""
    metrics: dict[str, float] = {}
    for learner, name in ((critic, "critic"), (actor, "actor")):
        measured = learner.metrics()
        norms = {f"train/grad_norm/{name}": measured.pop("grad_norm")} if measured else {}
        metrics |= measured | norms
    return metrics


def explain_action(
    policy: Actor,
    critics: Critics,
    observation: TensorTree,
    memory: tuple[Memory, Memory],
    episode_start: Bool[Tensor, "1 batch"],
    deterministic: bool,
    generator: Generator,
) -> tuple[Float[Tensor, "1 batch size"], tuple[Memory, Memory], ActionInfo]:
    """Return what `Actor.select_action` does, with the policy's mean and spread and the lowest critic's value."""
    output, actor_memory = policy(observation, memory[0], episode_start)
    action = policy.head.action(output, deterministic, generator)
    features, critic_memory = critics.read(observation, memory[1], episode_start)
    value = critics.evaluate(features, action).amin(0)
    mean, std = policy.head.moments(output)
    info = ActionInfo(mean=policy.actions.scaled(mean[0].cpu().numpy()), value=value[0].cpu().numpy())
    if std is not None:
        info = info._replace(std=policy.actions.half_range.ravel() * std[0].cpu().numpy())
    return action, (actor_memory, critic_memory), info
