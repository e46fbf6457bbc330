"""Rendering episodes frame by frame."""

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from jaxtyping import UInt8

from sandlot.tracking import SandlotError

SECONDS_WITHOUT_LIMIT = 300
"""Maximum length of a video, for environments without a time limit, whose episodes may never end."""
Frame = UInt8[np.ndarray, "height width 3"]
Act = Callable[[Any, bool], tuple[Any, Any]]
"""From an observation and whether it is the first of an episode, to an action and its `ActionInfo`."""


class EpisodeFrame(NamedTuple):
    """A frame of an episode."""

    frame: Frame
    step: int
    """Env steps so far."""
    reward: float
    """Reward of the last step."""
    total: float
    """Return so far."""
    action: Any
    """The next action; None at the end."""
    action_info: Any
    """The agent's `ActionInfo` for `action`."""


def run_headless() -> None:
    """Configure rendering without a display. Call before making environments; variables already set are kept."""
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        os.environ.setdefault("MUJOCO_GL", "egl")


def frames_per_second(env: gymnasium.Env) -> float:
    """Return the number of env steps per second of video."""
    return float(env.metadata.get("render_fps") or 30)


def render_episode(env: gymnasium.Env, act: Act, seed: int, seconds: float | None = None) -> Iterator[EpisodeFrame]:
    """Run an episode and yield its frames one at a time, so that long episodes need no memory.

    It stops after `seconds` of video; by default, after SECONDS_WITHOUT_LIMIT if there is no time limit.
    """
    if seconds is None and (env.spec is None or env.spec.max_episode_steps is None):
        seconds = SECONDS_WITHOUT_LIMIT
    last = float("inf") if seconds is None else int(seconds * frames_per_second(env))
    observation, _ = env.reset(seed=seed)
    step, reward, total, over = 0, 0.0, 0.0, False
    while not over and step < last:
        action, action_info = act(observation, step == 0)
        yield EpisodeFrame(_render(env), step, reward, total, action, action_info)
        observation, earned, terminated, truncated, _ = env.step(action)
        step, reward, over = step + 1, float(earned), terminated or truncated
        total += reward
    yield EpisodeFrame(_render(env), step, reward, total, None, None)


def _render(env: gymnasium.Env) -> Frame:
    try:
        frame = env.render()
    except NotImplementedError:
        frame = None
    if not isinstance(frame, np.ndarray) or frame.ndim != 3 or frame.shape[2] != 3:
        raise SandlotError(f"{env} draws no pictures, so it can't be recorded")
    return frame
