"""Wrappers: standard changes to observations, actions, rewards and time limits."""

from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import (
    FrameStackObservation,
    GrayscaleObservation,
    RescaleAction,
    ResizeObservation,
    StickyAction,
    TransformObservation,
)

from sandlot.tracking import SandlotError, require
from sandlot.tracking.common.memory import require_memory

VELOCITIES = {
    "Acrobot": (4, 5),
    "CartPole": (1, 3),
    "LunarLander": (2, 3, 5),
    "MountainCar": (1,),
    "MountainCarContinuous": (1,),
    "Pendulum": (2,),
}
"""Indices of the velocities in the observation, by environment name without version."""


STACK_BYTES = 16
"""Bytes that a number of a frame takes in a stack: in the space's two bounds and the stack itself."""


@dataclass(frozen=True, kw_only=True)
class Wrappers:
    """Wrappers around an environment, the same in training, evaluation and videos.

    Only the rewards used for learning are scaled and clipped; reported returns are unmodified. Where a backend does
    not support a wrapper, Gymnasium's own vector environments are used instead.
    """

    time_limit: int = 0
    """Truncate episodes after this many env steps; 0 keeps the environment's own time limit."""
    sticky_actions: float = 0.0
    """Probability of repeating the previous action (for Atari: in each frame; Machado et al., 2018)."""
    rescale_actions: bool = False
    """Rescale continuous actions to [-1, 1]."""
    hide_velocities: bool = False
    """Hide velocities from observations (classic control and LunarLander)."""
    hide_entries: tuple[int, ...] = ()
    """Indices of entries to remove from vector observations."""
    grey: bool = False
    """Convert images to greyscale."""
    resize: int = 0
    """Resize images to this width and height in pixels; 0 keeps their size."""
    frame_stack: int = 1
    """Number of observations to stack, the latest last; 1 disables stacking."""
    reward_scale: float = 1.0
    """Reward scale for learning."""
    reward_clip: float = 0.0
    """Clip scaled rewards for learning to [-x, x]; 0 disables clipping."""
    life_loss: bool = False
    """End the learner's episode when a life is lost (Atari); reported returns are still of whole games."""

    def __post_init__(self) -> None:
        for name in ("time_limit", "resize", "reward_clip"):
            require(getattr(self, name) >= 0, f"{name} must be at least 0", getattr(self, name))
        require(0 <= self.sticky_actions < 1, "sticky_actions must be in [0, 1)", self.sticky_actions)
        require(self.frame_stack >= 1, "frame_stack must be at least 1", self.frame_stack)
        require(self.reward_scale != 0, "reward_scale must not be 0", self.reward_scale)

    @property
    def per_env(self) -> "Wrappers":
        """The wrappers of each copy of an environment; the others are applied to the whole batch."""
        return replace(self, reward_scale=1.0, reward_clip=0.0, life_loss=False)

    def transform_reward(self, reward: Any) -> Any:
        """Return `reward` scaled and clipped for learning."""
        if self.reward_scale != 1.0:
            reward = reward * self.reward_scale
        return np.clip(reward, -self.reward_clip, self.reward_clip) if self.reward_clip else reward

    def to_json(self) -> dict[str, Any]:
        """Return a record that `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "Wrappers":
        """Return the wrappers that `to_json` recorded."""
        values: dict[str, Any] = {**record, "hide_entries": tuple(record["hide_entries"])}
        return cls(**values)


NONE = Wrappers()


def wrap(env: gymnasium.Env, wrappers: Wrappers) -> gymnasium.Env:
    """Return `env` with the wrappers of each copy, except for the time limit, which `gymnasium.make` sets."""
    if wrappers.sticky_actions:
        env = StickyAction(env, wrappers.sticky_actions)
    if wrappers.rescale_actions:
        _need(env.action_space, "rescale_actions", "continuous actions")
        env = RescaleAction(env, np.float32(-1), np.float32(1))
    if wrappers.hide_velocities:
        env = hide_entries(env, _velocities(env))
    if wrappers.hide_entries:
        env = hide_entries(env, wrappers.hide_entries)
    if wrappers.grey or wrappers.resize:
        _need(env.observation_space, "grey or resize", "images", (3,) if wrappers.grey else (2, 3))
    if wrappers.grey:
        env = GrayscaleObservation(env)
    if wrappers.resize:
        env = ResizeObservation(env, (wrappers.resize, wrappers.resize))
    if wrappers.frame_stack == 1:
        return env
    size = np.prod(env.observation_space.shape or (1,), dtype=float) * wrappers.frame_stack * STACK_BYTES
    require_memory(size, f"a stack of {wrappers.frame_stack:,} frames", "frame_stack")
    return FrameStackObservation(env, wrappers.frame_stack)


def hide_entries(env: gymnasium.Env, entries: tuple[int, ...]) -> gymnasium.Env:
    """Return `env` without the given entries of its vector observations."""
    space = env.observation_space
    _need(space, "hide_entries", "vector observations", (1,))
    assert isinstance(space, spaces.Box)
    size = space.shape[0]
    require(all(0 <= entry < size for entry in entries), f"hide_entries must be below {size}", entries)
    shown = np.setdiff1d(np.arange(size), entries)
    require(len(shown) > 0, "hide_entries must leave at least one entry", entries)
    rest = spaces.Box(space.low[shown], space.high[shown], dtype=space.dtype)  # pyright: ignore[reportArgumentType]
    return TransformObservation(env, partial(np.take, indices=shown), rest)


def _velocities(env: gymnasium.Env) -> tuple[int, ...]:
    name = env.spec.name if env.spec is not None else ""
    if name not in VELOCITIES:
        known = ", ".join(VELOCITIES)
        raise SandlotError(f"the velocities in observations of {name or env} are not known; known are {known}")
    return VELOCITIES[name]


def _need(space: gymnasium.Space, what: str, kind: str, dimensions: tuple[int, ...] | None = None) -> None:
    if not isinstance(space, spaces.Box) or (dimensions and len(space.shape) not in dimensions):
        raise SandlotError(f"{what} needs {kind}, not {space}")
