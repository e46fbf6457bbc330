"""From actions as agents count and scale them to those of environments."""

from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces
from jaxtyping import Float

UNBOUNDED = 1e10
"""Bounds as far out as this are none: some environments write the largest float where they mean infinity."""


class DiscreteActions(NamedTuple):
    """A number of actions, counted from 0 by the agent and from `first` by the environment."""

    n: int
    first: int
    dtype: np.dtype = np.dtype(np.int64)

    @classmethod
    def of(cls, space: spaces.Discrete[Any]) -> "DiscreteActions":
        """Return the actions of `space`."""
        return cls(int(space.n), int(space.start), np.dtype(space.dtype))

    def to_env(self, action: np.ndarray) -> np.ndarray:
        """Return chosen actions as the environment takes them."""
        return (action + self.first if self.first else action).astype(self.dtype, copy=False)


class BoxActions:
    """Continuous actions, which the agent knows as numbers in [-1, 1] where they have bounds."""

    def __init__(self, space: spaces.Box):
        self.size = int(np.prod(space.shape))
        self.space = space
        low, high = space.low.astype(np.float64), space.high.astype(np.float64)
        bounded = np.maximum(np.abs(low), np.abs(high)) < UNBOUNDED
        self.middle = np.where(bounded, (np.where(bounded, low, 0) + np.where(bounded, high, 0)) / 2, 0.0)
        self.half_range = np.where(bounded, (np.where(bounded, high, 0) - np.where(bounded, low, 0)) / 2, 1.0)

    @classmethod
    def unscaled(cls, space: spaces.Box) -> "BoxActions":
        """Return actions that are numbers in the environment's units."""
        actions = cls(space)
        actions.middle, actions.half_range = np.zeros(space.shape), np.ones(space.shape)
        return actions

    def to_env(self, action: np.ndarray) -> np.ndarray:
        """Return the agent's actions as the environment takes them."""
        scaled = self.scaled(action).reshape(*action.shape[:-1], *self.space.shape)
        return np.clip(scaled, self.space.low, self.space.high).astype(self.space.dtype, copy=False)

    def scaled(self, action: Float[np.ndarray, "*batch size"]) -> Float[np.ndarray, "*batch size"]:
        """Return numbers in [-1, 1] scaled to the bounds."""
        return self.middle.ravel() + self.half_range.ravel() * action

    def random(self, count: int, rng: np.random.Generator) -> Float[np.ndarray, "count size"]:
        """Draw actions uniformly from [-1, 1]."""
        return rng.uniform(-1, 1, (count, self.size)).astype(np.float32)
