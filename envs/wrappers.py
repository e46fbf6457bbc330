"""Wrappers: standard changes to observations, actions, rewards and time limits."""

import math
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import (
    MaxAndSkipObservation,
    RepeatAction,
    RescaleAction,
    StickyAction,
    TransformObservation,
)

from sandlot.tracking import SandlotError, require
from sandlot.tracking.common.memory import require_memory

from .action_masks import MASK, chosen, has_mask
from .frame_stack import FrameStack
from .images import ObservationTransform, image_transform
from .user_wrappers import parse_wrappers, wrapper_words

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

    wrapper: tuple[str, ...] = ()
    """Wrappers of your own or of a package around each copy, as module:Class, the innermost first, each followed by
    its options, if it has any, as JSON: minigrid.wrappers:ViewSizeWrapper '{"agent_view_size": 5}'."""
    reward_weights: tuple[float, ...] = ()
    """How much each entry of a reward counts, where rewards are vectors (mo-gymnasium)."""
    frame_skip: int = 1
    """Repeat each action so many times, and add the rewards up (for Atari, see --env-kwargs '{"frameskip": 4}')."""
    frame_max: bool = False
    """With --frame-skip: observe the maximum of the last two images, against flicker."""
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
        object.__setattr__(self, "wrapper", wrapper_words(self.wrapper))
        parse_wrappers(self.wrapper)
        require(all(map(math.isfinite, self.reward_weights)), "reward_weights must be finite", self.reward_weights)
        require(self.frame_skip >= 1, "frame_skip must be at least 1", self.frame_skip)
        require(self.frame_skip > 1 or not self.frame_max, "frame_max needs a frame_skip above 1", self.frame_skip)
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
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in record.items()
        }
        return cls(**values)


NONE = Wrappers()


class LegalStickyAction(StickyAction):
    """Repeat the previous action now and then, where the mask in the observation allows it."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = super().reset(seed=seed, options=options)
        self._mask = np.asarray(observation[MASK], bool)
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = super().step(action)
        self._mask = np.asarray(observation[MASK], bool)
        return observation, reward, terminated, truncated, info

    def action(self, action: Any) -> Any:
        repeated = super().action(action)
        if (chosen(self.action_space, repeated) & ~self._mask).any():
            self.last_action = action
            return action
        return repeated


def skip_frames(env: gymnasium.Env, wrappers: Wrappers) -> gymnasium.Env:
    """Return `env` with each action repeated as often as the wrappers say; action masks may come after this."""
    if wrappers.frame_skip == 1:
        return env
    skip = MaxAndSkipObservation if wrappers.frame_max else RepeatAction
    return skip(env, wrappers.frame_skip)


def wrap(env: gymnasium.Env, wrappers: Wrappers) -> gymnasium.Env:
    """Return `env` with the wrappers of each copy, except for the time limit, which `gymnasium.make` sets, and those
    that come first: the user's own, what adapts rewards, `skip_frames`, and what shows action masks.
    """
    if wrappers.sticky_actions:
        sticky = LegalStickyAction if has_mask(env.observation_space) else StickyAction
        env = sticky(env, wrappers.sticky_actions)
    if wrappers.rescale_actions:
        check_rescaling(env.action_space)
        env = RescaleAction(env, np.float32(-1), np.float32(1))
    if wrappers.hide_velocities:
        env = hide_entries(env, _velocities(env))
    if wrappers.hide_entries:
        env = hide_entries(env, wrappers.hide_entries)
    if wrappers.grey or wrappers.resize:
        images = image_transform(env.observation_space, wrappers.grey, wrappers.resize)
        env = TransformObservation(env, images.apply, images.space)
    if wrappers.frame_stack == 1:
        return env
    size = spaces.flatdim(env.observation_space) if env.observation_space.is_np_flattenable else 1
    require_memory(
        size * wrappers.frame_stack * STACK_BYTES, f"a stack of {wrappers.frame_stack:,} frames", "frame_stack"
    )
    return FrameStack(env, wrappers.frame_stack)


def check_rescaling(space: gymnasium.Space) -> None:
    """Raise `SandlotError` if actions of `space` can't be rescaled to [-1, 1]."""
    if not (isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.floating)):
        raise SandlotError(f"rescale_actions needs continuous actions (a Box of floats), not {space}")
    if not space.is_bounded():
        raise SandlotError(f"rescale_actions needs actions with finite bounds, not {space}")


def hide_entries(env: gymnasium.Env, entries: tuple[int, ...]) -> gymnasium.Env:
    """Return `env` without the given entries of its vector observations, which may lie beside a mask."""
    space = env.observation_space
    if has_mask(space) and isinstance(space, spaces.Dict) and len(space) == 2:
        key = next(key for key in space if key != MASK)
        rest = _without_entries(space[key], entries)
        shown = spaces.Dict({**space.spaces, key: rest.space})
        return TransformObservation(env, lambda seen: {**seen, key: rest.apply(seen[key])}, shown)
    hidden = _without_entries(space, entries)
    return TransformObservation(env, hidden.apply, hidden.space)


def _without_entries(space: gymnasium.Space, entries: tuple[int, ...]) -> ObservationTransform:
    if not isinstance(space, spaces.Box) or len(space.shape) != 1:
        raise SandlotError(f"hide_entries needs vector observations, not {space}")
    size = space.shape[0]
    require(all(0 <= entry < size for entry in entries), f"hide_entries must be below {size}", entries)
    shown = np.setdiff1d(np.arange(size), entries)
    require(len(shown) > 0, "hide_entries must leave at least one entry", entries)
    rest = spaces.Box(space.low[shown], space.high[shown], dtype=space.dtype)  # pyright: ignore[reportArgumentType]
    return ObservationTransform(rest, partial(np.take, indices=shown))


def _velocities(env: gymnasium.Env) -> tuple[int, ...]:
    name = env.spec.name if env.spec is not None else ""
    if name not in VELOCITIES:
        known = ", ".join(VELOCITIES)
        raise SandlotError(f"the velocities in observations of {name or env} are not known; known are {known}")
    return VELOCITIES[name]
