"""What lies between an environment and its agent."""

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

VELOCITIES = {
    "Acrobot": (4, 5),
    "CartPole": (1, 3),
    "LunarLander": (2, 3, 5),
    "MountainCar": (1,),
    "MountainCarContinuous": (1,),
    "Pendulum": (2,),
}
"""Which entries of the observation are velocities, by the environment's name without its version."""


@dataclass(frozen=True, kw_only=True)
class Wrappers:
    """What is changed about an environment: the same in training, evaluation and films.

    Returns are always told of the reward as it is; only what is learned from is scaled and clipped. Where a
    backend can't do what is asked for, plain copies of the environment side by side take its place.
    """

    time_limit: int = 0
    """Env steps after which an episode is truncated, in place of the environment's own limit; 0 for its own."""
    sticky_actions: float = 0.0
    """Chance that the action before is repeated instead (for Atari: in each frame; Machado et al., 2018)."""
    rescale_actions: bool = False
    """Let real-valued actions go from -1 to 1, whatever the environment's bounds."""
    hide_velocities: bool = False
    """Leave velocities out of observations, where it is known which they are: classic control and LunarLander."""
    hide_entries: tuple[int, ...] = ()
    """Entries to leave out of observations, which must be vectors."""
    grey: bool = False
    """Make images grey."""
    resize: int = 0
    """Make images this many pixels wide and high; 0 leaves them."""
    frame_stack: int = 1
    """How many observations are shown together, the latest last."""
    reward_scale: float = 1.0
    """Multiply rewards that are learned from."""
    reward_clip: float = 0.0
    """Bound rewards that are learned from, after scaling, to this size; 0 for no bound."""
    life_loss: bool = False
    """For games with lives: to lose one ends the episode for the learner, though not the game nor its score."""

    def __post_init__(self) -> None:
        for name in ("time_limit", "resize", "reward_clip"):
            require(getattr(self, name) >= 0, f"{name} must be at least 0", getattr(self, name))
        require(0 <= self.sticky_actions < 1, "sticky_actions must be in [0, 1)", self.sticky_actions)
        require(self.frame_stack >= 1, "frame_stack must be at least 1", self.frame_stack)
        require(self.reward_scale != 0, "reward_scale must not be 0", self.reward_scale)

    @property
    def inside(self) -> "Wrappers":
        """What each copy of an environment wears; the rest is done to a batch of them."""
        return replace(self, reward_scale=1.0, reward_clip=0.0, life_loss=False)

    def shaped(self, reward: Any) -> Any:
        """Return what is to be learned from `reward`."""
        if self.reward_scale != 1.0:
            reward = reward * self.reward_scale
        return np.clip(reward, -self.reward_clip, self.reward_clip) if self.reward_clip else reward

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "Wrappers":
        """Return the wrappers that `to_json` wrote down."""
        values: dict[str, Any] = {**record, "hide_entries": tuple(record["hide_entries"])}
        return cls(**values)


NONE = Wrappers()


def wrap(env: gymnasium.Env, wrappers: Wrappers) -> gymnasium.Env:
    """Return `env` in the wrappers that each copy wears. Its time limit is not among them: `gymnasium.make` sets it."""
    if wrappers.sticky_actions:
        env = StickyAction(env, wrappers.sticky_actions)
    if wrappers.rescale_actions:
        _need(env.action_space, "rescale_actions", "real-valued actions")
        env = RescaleAction(env, np.float32(-1), np.float32(1))
    if wrappers.hide_velocities:
        env = hide_entries(env, _velocities(env))
    if wrappers.hide_entries:
        env = hide_entries(env, wrappers.hide_entries)
    if wrappers.grey or wrappers.resize:
        _need(env.observation_space, "grey and resize", "images", (3,) if wrappers.grey else (2, 3))
    if wrappers.grey:
        env = GrayscaleObservation(env)
    if wrappers.resize:
        env = ResizeObservation(env, (wrappers.resize, wrappers.resize))
    return env if wrappers.frame_stack == 1 else FrameStackObservation(env, wrappers.frame_stack)


def hide_entries(env: gymnasium.Env, entries: tuple[int, ...]) -> gymnasium.Env:
    """Return `env` without some entries of its observations."""
    space = env.observation_space
    _need(space, "hidden entries", "observations that are vectors", (1,))
    assert isinstance(space, spaces.Box)
    size = space.shape[0]
    require(all(0 <= entry < size for entry in entries), f"hide_entries must be below {size}", entries)
    shown = np.setdiff1d(np.arange(size), entries)
    require(len(shown) > 0, "hide_entries must leave something to see", entries)
    rest = spaces.Box(space.low[shown], space.high[shown], dtype=space.dtype)  # pyright: ignore[reportArgumentType]
    return TransformObservation(env, partial(np.take, indices=shown), rest)


def _velocities(env: gymnasium.Env) -> tuple[int, ...]:
    name = env.spec.name if env.spec is not None else ""
    if name not in VELOCITIES:
        known = ", ".join(VELOCITIES)
        raise SandlotError(f"it is not known which entries of {name or env} are velocities, only of {known}")
    return VELOCITIES[name]


def _need(space: gymnasium.Space, what: str, kind: str, dimensions: tuple[int, ...] | None = None) -> None:
    if not isinstance(space, spaces.Box) or (dimensions and len(space.shape) not in dimensions):
        raise SandlotError(f"{what} needs {kind}, not {space}")
