"""From an action space to a distribution over actions. Nothing else branches on action spaces."""

from abc import ABC, abstractmethod
from typing import Any

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

from .env_actions import UNBOUNDED, BoxActions, DiscreteActions

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
        self.shape, self.dtype = (), np.dtype(np.int64)
        self.actions = DiscreteActions.of(space)

    def forward(self, features: Float[Tensor, "*batch feature"], mask: Mask = None) -> Categorical:
        return Categorical(in_float32(self.linear, features), mask)

    def action_info(self, distribution: Categorical) -> ActionInfo:
        return ActionInfo(probability=distribution.probabilities()[0].cpu().numpy())

    def to_env(self, action: np.ndarray) -> np.ndarray:
        return self.actions.to_env(action)


class MultiDiscreteHead(ActionHead):
    """Several choices at once."""

    def __init__(self, space: spaces.MultiDiscrete, feature_size: int):
        super().__init__(feature_size, int(space.nvec.sum()))
        self.choices = tuple(space.nvec.tolist())
        self.shape, self.dtype = space.shape, np.dtype(np.int64)
        self.first, self.env_dtype = space.start, space.dtype

    def forward(self, features: Float[Tensor, "*batch feature"], mask: Mask = None) -> MultiCategorical:
        return MultiCategorical(in_float32(self.linear, features), self.choices, mask)

    def action_info(self, distribution: MultiCategorical) -> ActionInfo:
        parts = [part.probabilities() for part in distribution.parts]
        return ActionInfo(probability=torch.cat(parts, -1)[0].cpu().numpy())

    def to_env(self, action: np.ndarray) -> np.ndarray:
        return (action + self.first).astype(self.env_dtype, copy=False)


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

    If `scale`, -1 and 1 are the bounds of the space, where it has any.

    Source: Huang et al., "The 37 implementation details of PPO", continuous actions, details 1 to 4.
    """

    def __init__(self, space: spaces.Box, feature_size: int, log_std: float, scale: bool):
        super().__init__(feature_size, int(np.prod(space.shape)))
        self.shape, self.dtype = (int(np.prod(space.shape)),), np.dtype(np.float32)
        self.bounds = BoxActions(space) if scale else BoxActions.unscaled(space)
        self.log_std = nn.Parameter(torch.full((self.shape[0],), log_std))

    def forward(self, features: Float[Tensor, "*batch feature"], mask: Mask = None) -> DiagonalGaussian:
        return DiagonalGaussian(in_float32(self.linear, features), self.log_std)

    def action_info(self, distribution: DiagonalGaussian) -> ActionInfo:
        mean, std = distribution.mean, distribution.log_std.exp().expand_as(distribution.mean)
        scaled = self.bounds.scaled(mean[0].cpu().numpy())
        return ActionInfo(mean=scaled, std=self.bounds.half_range.ravel() * std[0].cpu().numpy())

    def to_env(self, action: np.ndarray) -> np.ndarray:
        return self.bounds.to_env(action)


def head_for(space: Space, feature_size: int, log_std: float, agent: str, scale: bool = True) -> ActionHead:
    """Return a new head for actions of `space`; `log_std` is where the spread of real actions starts.

    With `scale`, those of a Box are scaled from [-1, 1] to its bounds.
    """
    match space:
        case spaces.Discrete():
            return DiscreteHead(space, feature_size)
        case spaces.MultiDiscrete() if space.nvec.ndim == 1:
            return MultiDiscreteHead(space, feature_size)
        case spaces.MultiBinary() if len(space.shape) == 1:
            return MultiBinaryHead(space, feature_size)
        case spaces.Box() if np.issubdtype(space.dtype, np.floating) and 0 not in space.shape:
            return BoxHead(space, feature_size, log_std, scale)
        case _:
            raise SandlotError(
                f"{agent} can't act in the space {space}; "
                "it acts in Discrete, MultiDiscrete, MultiBinary and Box (of floats)"
            )


def discrete_actions(space: Space, agent: str) -> DiscreteActions:
    """Return the actions of `space`. Raises `SandlotError` if it is not Discrete."""
    if not isinstance(space, spaces.Discrete):
        raise SandlotError(f"{agent} needs Discrete actions, and these are {space}; try ppo, or sac for a Box")
    return DiscreteActions.of(space)


def bounded_actions(space: Space, agent: str) -> BoxActions:
    """Return the actions of `space`. Raises `SandlotError` if it is not a bounded Box of floats."""
    floats = isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.floating)
    if not (
        isinstance(space, spaces.Box) and floats and max(np.abs(space.low).max(), np.abs(space.high).max()) < UNBOUNDED
    ):
        raise SandlotError(
            f"{agent} needs a Box of floats with finite bounds as actions, and these are {space}; try ppo"
        )
    return BoxActions(space)


def check_mask(observation_space: Space, action_space: Space) -> None:
    """Raise `SandlotError` if the observations show a mask that doesn't fit the actions."""
    if has_mask(observation_space):
        shape, wanted = observation_space[MASK].shape, choices(action_space)  # pyright: ignore[reportIndexIssue]
        if shape != (wanted,):
            raise SandlotError(
                f"the observations' {MASK!r} has the shape {shape}, and the actions {action_space} "
                + (f"want ({wanted},)" if wanted else "can't be masked")
            )
