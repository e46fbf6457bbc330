"""Rendering episodes frame by frame."""

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from jaxtyping import UInt8

from sandlot.tracking import SandlotError

from .env_errors import describe_error, env_error

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
    over: bool = False
    """Whether the episode has ended by itself or by its time limit; false in the last frame of one that was cut."""


def run_headless() -> None:
    """Configure rendering without a display. Call before making environments; variables already set are kept.

    SDL's driver "offscreen" draws; some environments (highway-env) leave out drawing for the driver "dummy".
    """
    os.environ.setdefault("SDL_VIDEODRIVER", "offscreen" if sys.platform.startswith("linux") else "dummy")
    os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
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
    observation, _ = _guarded(env, partial(env.reset, seed=seed), seed, 0)
    step, reward, total, over = 0, 0.0, 0.0, False
    while not over and step < last:
        action, action_info = act(observation, step == 0)
        yield EpisodeFrame(render_frame(env), step, reward, total, action, action_info)
        observation, earned, terminated, truncated, _ = _guarded(env, partial(env.step, action), seed, step + 1)
        step, reward, over = step + 1, float(earned), bool(terminated or truncated)
        total += reward
    yield EpisodeFrame(render_frame(env), step, reward, total, None, None, over)


def render_frame(env: gymnasium.Env) -> Frame:
    """Return what `env` draws now as RGB bytes. Raises `SandlotError` if it draws nothing, or fails."""
    try:
        drawn = env.render()
    except NotImplementedError:
        drawn = None
    except SandlotError:
        raise
    except Exception as error:
        raise SandlotError(f"{env_name(env)} can't be drawn: {describe_error(error)}") from error
    frame = as_frame(drawn)
    if frame is None:
        raise SandlotError(f"{env_name(env)} draws no pictures, so it can't be recorded")
    return frame


def as_frame(drawn: Any) -> Frame | None:
    """Return a picture of any usual form as RGB bytes; None if it is no picture.

    Numbers up to 1 that are not bytes are fractions of full brightness. Greyscale, transparency, channels first and
    lists of frames (`rgb_array_list`, of which the last counts) are understood.
    """
    if isinstance(drawn, list | tuple) and drawn and np.ndim(drawn[-1]) >= 2:
        drawn = drawn[-1]
    try:
        picture = np.asarray(drawn)
    except (TypeError, ValueError):
        return None
    if picture.dtype.kind not in "biuf" or picture.ndim not in (2, 3) or not picture.size:
        return None
    if picture.ndim == 2:
        picture = picture[:, :, None]
    if picture.shape[2] not in (1, 3, 4) and picture.shape[0] in (1, 3, 4):
        picture = np.moveaxis(picture, 0, 2)
    if picture.shape[2] not in (1, 3, 4):
        return None
    picture = picture[:, :, :3]
    if picture.dtype != np.uint8:
        picture = np.nan_to_num(picture.astype(np.float64), posinf=255.0, neginf=0.0)
        fractions = picture.max() <= 1
        picture = (np.clip(picture * 255 if fractions else picture, 0, 255) + 0.5).astype(np.uint8)
    return np.repeat(picture, 3, 2) if picture.shape[2] == 1 else picture


def env_name(env: gymnasium.Env) -> str:
    """Return the id of `env`, or its class's name."""
    return env.spec.id if env.spec is not None else type(env.unwrapped).__name__


def _guarded(env: gymnasium.Env, call: Callable[[], Any], seed: int, step: int) -> Any:
    """Return what `call` does; an error in it becomes a sentence."""
    try:
        return call()
    except SandlotError:
        raise
    except Exception as error:
        raise env_error(env_name(env), f"failed: {describe_error(error)}", None, seed, step) from error
