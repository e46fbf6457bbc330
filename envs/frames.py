"""Episodes, a picture at a time."""

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from jaxtyping import UInt8

from sandlot.tracking import SandlotError

SECONDS_WITHOUT_LIMIT = 300
"""How long a film of an environment without a time limit may be: its episodes may have no end."""
Frame = UInt8[np.ndarray, "height width 3"]
Act = Callable[[Any, bool], tuple[Any, Any]]
"""From an observation, and whether it begins an episode, to an action and what was thought of it."""


class EpisodeFrame(NamedTuple):
    """A moment of an episode."""

    frame: Frame
    step: int
    """Env steps so far."""
    reward: float
    """What the last one earned."""
    total: float
    """What all earned."""
    action: Any
    """What is done next; None at the end."""
    action_info: Any
    """What was thought of it."""


def run_headless() -> None:
    """Let environments draw without a display. Call before they are made; what the user has set stays."""
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        os.environ.setdefault("MUJOCO_GL", "egl")


def frames_per_second(env: gymnasium.Env) -> float:
    """Return how many env steps a second of film shows."""
    return float(env.metadata.get("render_fps") or 30)


def render_episode(env: gymnasium.Env, act: Act, seed: int, seconds: float | None = None) -> Iterator[EpisodeFrame]:
    """Play an episode and yield it a moment at a time, so that a long one takes no memory.

    It is cut after `seconds` of film; by default after SECONDS_WITHOUT_LIMIT where nothing else ends it.
    """
    if seconds is None and (env.spec is None or env.spec.max_episode_steps is None):
        seconds = SECONDS_WITHOUT_LIMIT
    last = float("inf") if seconds is None else int(seconds * frames_per_second(env))
    observation, _ = env.reset(seed=seed)
    step, reward, total, over = 0, 0.0, 0.0, False
    while not over and step < last:
        action, action_info = act(observation, step == 0)
        yield EpisodeFrame(_picture(env), step, reward, total, action, action_info)
        observation, earned, terminated, truncated, _ = env.step(action)
        step, reward, over = step + 1, float(earned), terminated or truncated
        total += reward
    yield EpisodeFrame(_picture(env), step, reward, total, None, None)


def _picture(env: gymnasium.Env) -> Frame:
    try:
        frame = env.render()
    except NotImplementedError:
        frame = None
    if not isinstance(frame, np.ndarray) or frame.ndim != 3 or frame.shape[2] != 3:
        raise SandlotError(f"{env} draws no pictures, so it can't be filmed")
    return frame
