"""What to do, in real numbers, and what that is worth: the networks of agents with continuous actions."""

from typing import Any

import torch
from gymnasium import Space
from jaxtyping import Bool, Float
from torch import Tensor, nn

from sandlot.agents.spaces.actions import bounded_actions, check_mask
from sandlot.agents.spaces.feature_extractor import FeatureExtractor
from sandlot.agents.spaces.observation_encoder import NetworkConfig, reader_before_mlp
from sandlot.agents.spaces.observations import preprocessor_for
from sandlot.supervised.networks import MLP, Ensemble, Memory, Sequential, SquashedGaussian, in_float32, orthogonal

LOG_STD_RANGE = (-20.0, 2.0)


class Actor(FeatureExtractor):
    """What to do in each row of a sequence: what `make_head` makes, given the sizes of features and actions."""

    def __init__(
        self, observation_space: Space, action_space: Space, config: NetworkConfig, make_head: Any, agent: str
    ):
        check_mask(observation_space, action_space)
        bounds = bounded_actions(action_space, agent)
        inputs = preprocessor_for(observation_space, config.normalize_observations)
        first = reader_before_mlp(inputs, config)
        mlp = MLP(first.feature_size, config.hidden, config.activation, config.normalization, config.dropout)
        super().__init__(inputs, Sequential([first, mlp]))
        self.bounds = bounds
        self.head = make_head(mlp.feature_size, self.bounds.size)

    def forward(
        self, observation: Any, memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> tuple[Any, Memory]:
        """Return what to do in each row, and the memory after the last."""
        features, memory = self.read(observation, memory, episode_start)
        return self.head(features), memory

    def rows(self, observation: Any, episode_start: Bool[Tensor, "longer batch"], burn_in: int = 0) -> Any:
        """Return what to do in each row from `burn_in` on. The rows before only fill the memory."""
        return self.head(self.unroll(observation, episode_start, burn_in))


class GaussianHead(nn.Module):
    """A squashed Gaussian whose spread depends on the observation."""

    def __init__(self, feature_size: int, size: int, log_std: float = 0.0):
        super().__init__()
        self.linear = orthogonal(nn.Linear(feature_size, 2 * size), gain=0.01)
        nn.init.constant_(self.linear.bias.detach()[size:], log_std)

    def forward(self, features: Float[Tensor, "*batch feature"]) -> SquashedGaussian:
        mean, log_std = in_float32(self.linear, features).chunk(2, dim=-1)
        return SquashedGaussian(mean, log_std.clamp(*LOG_STD_RANGE))


class TanhHead(nn.Module):
    """One action in [-1, 1] for each row."""

    def __init__(self, feature_size: int, size: int):
        super().__init__()
        self.linear = orthogonal(nn.Linear(feature_size, size), gain=0.01)

    def forward(self, features: Float[Tensor, "*batch feature"]) -> Float[Tensor, "*batch size"]:
        return in_float32(self.linear, features).tanh()


class Critics(FeatureExtractor):
    """Estimates of the return of an action in each row of a sequence, from as many MLPs over one reader."""

    def __init__(self, count: int, actor: Actor, config: NetworkConfig):
        super().__init__(actor.preprocessor, reader_before_mlp(actor.preprocessor, config))
        size = self.encoder.feature_size + actor.bounds.size
        self.mlps = Ensemble(count, size, config.hidden, config.activation, config.normalization, config.dropout)

    def forward(
        self,
        observation: Any,
        episode_start: Bool[Tensor, "longer batch"],
        action: Float[Tensor, "time batch size"],
        burn_in: int = 0,
        count: int | None = None,
    ) -> Float[Tensor, "critic time batch"]:
        """Return the values of `action` in each row from `burn_in` on, by all critics or the first `count`.

        The rows before only fill the memory.
        """
        return self.judge(self.unroll(observation, episode_start, burn_in), action, count)

    def judge(
        self,
        features: Float[Tensor, "time batch feature"],
        action: Float[Tensor, "time batch size"],
        count: int | None = None,
    ) -> Float[Tensor, "critic time batch"]:
        """Return the values of `action` where observations have these `features`."""
        both = torch.cat((features, action), dim=-1)
        return in_float32(lambda both: self.mlps(both, count), both.flatten(0, 1)).unflatten(1, action.shape[:2])
