"""From an action space to a distribution over actions. Nothing else branches on action spaces."""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import Space, spaces
from jaxtyping import Bool, Float
from torch import Tensor, nn

from sandlot.agents.action_info import ActionInfo
from sandlot.envs import MASK, choices, has_mask
from sandlot.supervised.networks import (
    Bernoulli,
    Categorical,
    DiagonalGaussian,
    Distribution,
    MultiCategorical,
    in_float32,
    orthogonal,
)
from sandlot.tracking import SandlotError

Mask = Bool[Tensor, "*batch choice"] | None


class ActionHead(nn.Module, ABC):
    """Turn features into a distribution over actions, and what was drawn from it into the env's actions."""

    shape: tuple[int, ...]
    """Shape of one drawn action, as buffers store it."""
    dtype: np.dtype

    def __init__(self, feature_size: int, outputs: int):
        super().__init__()
        self.linear = orthogonal(nn.Linear(feature_size, outputs), gain=0.01)

    @abstractmethod
    def forward(self, features: Float[Tensor, "*batch feature"], mask: Mask = None) -> Distribution:
        """Return the distribution over actions for each row, or over those that `mask` allows."""

    @abstractmethod
    def action_info(self, distribution: Any) -> ActionInfo:
        """Return what `distribution`, of one row of a sequence, tells of the actions."""

    def to_env(self, action: np.ndarray) -> np.ndarray:
        """Return drawn actions as the environment takes them."""
        return action


class DiscreteHead(ActionHead):
    """One choice among n."""

    def __init__(self, space: spaces.Discrete[Any], feature_size: int):
        super().__init__(feature_size, int(space.n))
        self.shape, self.dtype, self.first = (), np.dtype(np.int64), int(space.start)

    def forward(self, features: Float[Tensor, "*batch feature"], mask: Mask = None) -> Categorical:
        return Categorical(in_float32(self.linear, features), mask)

    def action_info(self, distribution: Categorical) -> ActionInfo:
        return ActionInfo(probability=distribution.probabilities()[0].cpu().numpy())

    def to_env(self, action: np.ndarray) -> np.ndarray:
        return action + self.first if self.first else action


class MultiDiscreteHead(ActionHead):
    """Several choices at once."""

    def __init__(self, space: spaces.MultiDiscrete, feature_size: int):
        super().__init__(feature_size, int(space.nvec.sum()))
        self.choices = tuple(space.nvec.tolist())
        self.shape, self.dtype, self.first = space.shape, np.dtype(np.int64), space.start

    def forward(self, features: Float[Tensor, "*batch feature"], mask: Mask = None) -> MultiCategorical:
        return MultiCategorical(in_float32(self.linear, features), self.choices, mask)

    def action_info(self, distribution: MultiCategorical) -> ActionInfo:
        parts = [part.probabilities() for part in distribution.parts]
        return ActionInfo(probability=torch.cat(parts, -1)[0].cpu().numpy())

    def to_env(self, action: np.ndarray) -> np.ndarray:
        return action + self.first


class MultiBinaryHead(ActionHead):
    """Several switches at once."""

    def __init__(self, space: spaces.MultiBinary, feature_size: int):
        super().__init__(feature_size, space.shape[0])
        self.shape, self.dtype = space.shape, np.dtype(np.int64)

    def forward(self, features: Float[Tensor, "*batch feature"], mask: Mask = None) -> Bernoulli:
        return Bernoulli(in_float32(self.linear, features), mask)

    def action_info(self, distribution: Bernoulli) -> ActionInfo:
        return ActionInfo(probability=distribution.logits.sigmoid()[0].cpu().numpy())

    def to_env(self, action: np.ndarray) -> np.ndarray:
        return action.astype(np.int8)


class BoxHead(ActionHead):
    """Real numbers: a Gaussian with a spread that doesn't depend on the observation, cut off at the bounds.

    Source: Huang et al., "The 37 implementation details of PPO", continuous actions, details 1 to 4.
    """

    def __init__(self, space: spaces.Box, feature_size: int, log_std: float):
        super().__init__(feature_size, int(np.prod(space.shape)))
        self.shape, self.dtype = (int(np.prod(space.shape)),), np.dtype(np.float32)
        self.low, self.high, self.env_shape, self.env_dtype = space.low, space.high, space.shape, space.dtype
        self.log_std = nn.Parameter(torch.full((self.shape[0],), log_std))

    def forward(self, features: Float[Tensor, "*batch feature"], mask: Mask = None) -> DiagonalGaussian:
        return DiagonalGaussian(in_float32(self.linear, features), self.log_std)

    def action_info(self, distribution: DiagonalGaussian) -> ActionInfo:
        mean, std = distribution.mean, distribution.log_std.exp().expand_as(distribution.mean)
        return ActionInfo(mean=mean[0].cpu().numpy(), std=std[0].cpu().numpy())

    def to_env(self, action: np.ndarray) -> np.ndarray:
        action = action.reshape(*action.shape[:-1], *self.env_shape)
        return np.clip(action, self.low, self.high).astype(self.env_dtype, copy=False)


def head_for(space: Space, feature_size: int, log_std: float, agent: str) -> ActionHead:
    """Return a new head for actions of `space`; `log_std` is where the spread of real actions starts."""
    match space:
        case spaces.Discrete():
            return DiscreteHead(space, feature_size)
        case spaces.MultiDiscrete() if space.nvec.ndim == 1:
            return MultiDiscreteHead(space, feature_size)
        case spaces.MultiBinary() if len(space.shape) == 1:
            return MultiBinaryHead(space, feature_size)
        case spaces.Box() if np.issubdtype(space.dtype, np.floating):
            return BoxHead(space, feature_size, log_std)
        case _:
            raise SandlotError(
                f"{agent} can't act in the space {space}; "
                "it acts in Discrete, MultiDiscrete, MultiBinary and Box (of floats)"
            )


class DiscreteActions(NamedTuple):
    """A number of actions, counted from 0 by the agent and from `first` by the environment."""

    n: int
    first: int

    def to_env(self, action: np.ndarray) -> np.ndarray:
        """Return chosen actions as the environment takes them."""
        return action + self.first if self.first else action


def discrete_actions(space: Space, agent: str) -> DiscreteActions:
    """Return the actions of `space`. Raises `SandlotError` if it is not Discrete."""
    if not isinstance(space, spaces.Discrete):
        raise SandlotError(f"{agent} needs Discrete actions, and these are {space}; try ppo, or sac for a Box")
    return DiscreteActions(int(space.n), int(space.start))


class BoundedActions:
    """Continuous actions between bounds, which the agent knows as numbers in [-1, 1]."""

    def __init__(self, space: spaces.Box):
        self.size = int(np.prod(space.shape))
        self.space = space
        low, high = space.low.astype(np.float64), space.high.astype(np.float64)
        self.middle, self.half_range = (low + high) / 2, (high - low) / 2

    def to_env(self, action: np.ndarray) -> np.ndarray:
        """Return actions in [-1, 1] as the environment takes them."""
        scaled = self.scaled(action).reshape(*action.shape[:-1], *self.space.shape)
        return np.clip(scaled, self.space.low, self.space.high).astype(self.space.dtype, copy=False)

    def scaled(self, action: Float[np.ndarray, "*batch size"]) -> Float[np.ndarray, "*batch size"]:
        """Return numbers in [-1, 1] scaled to the bounds."""
        return self.middle.ravel() + self.half_range.ravel() * action

    def random(self, count: int, rng: np.random.Generator) -> Float[np.ndarray, "count size"]:
        """Draw actions uniformly from [-1, 1]."""
        return rng.uniform(-1, 1, (count, self.size)).astype(np.float32)


def bounded_actions(space: Space, agent: str) -> BoundedActions:
    """Return the actions of `space`. Raises `SandlotError` if it is not a bounded Box of floats."""
    if not (isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.floating) and space.is_bounded()):
        raise SandlotError(
            f"{agent} needs a Box of floats with finite bounds as actions, and these are {space}; try ppo"
        )
    return BoundedActions(space)


def check_mask(observation_space: Space, action_space: Space) -> None:
    """Raise `SandlotError` if the observations show a mask that doesn't fit the actions."""
    if has_mask(observation_space):
        shape, wanted = observation_space[MASK].shape, choices(action_space)  # pyright: ignore[reportIndexIssue]
        if shape != (wanted,):
            raise SandlotError(
                f"the observations' {MASK!r} has the shape {shape}, and the actions {action_space} "
                + (f"want ({wanted},)" if wanted else "can't be masked")
            )
