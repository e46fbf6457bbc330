"""Pictures of an agent at play."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from jaxtyping import UInt8

from tracking import SandlotError

from .world import World

SECONDS_WITHOUT_LIMIT = 300
"""How long a film of an environment without a time limit may be: its episodes may have no end."""
Act = Callable[[Any, bool], Any]
"""From an observation, and whether it begins an episode, to an action."""


class Film:
    """The frames of an agent playing the world `world` for a number of episodes.

    Frames come one at a time as they are played, so a long film takes no memory. `returns` fills with the
    episodes' returns.
    """

    def __init__(
        self,
        world: World,
        act: Act,
        *,
        episodes: int = 1,
        seed: int = 0,
        max_frames: int = 20_000,
    ):
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
        os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
        self._env = world.single(render=True)
        self._act, self._episodes, self._seed, self._max_frames = act, episodes, seed, max_frames
        self.fps = float(self._env.metadata.get("render_fps") or 30)
        if self._env.spec is None or self._env.spec.max_episode_steps is None:
            self._max_frames = min(max_frames, int(SECONDS_WITHOUT_LIMIT * self.fps))
        self.returns: list[float] = []

    def frames(self) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
        """Play, and yield a frame for each observation."""
        left = self._max_frames
        try:
            for episode in range(self._episodes):
                observation, _ = self._env.reset(seed=self._seed + episode)
                start, done, total = True, False, 0.0
                yield self._frame()
                while not done and left > 0:
                    observation, reward, terminated, truncated, _ = self._env.step(self._act(observation, start))
                    start, done, total = False, terminated or truncated, total + float(reward)
                    left -= 1
                    yield self._frame()
                self.returns.append(total)
        finally:
            self._env.close()

    def _frame(self) -> UInt8[np.ndarray, "height width 3"]:
        frame = self._env.render()
        if not isinstance(frame, np.ndarray) or frame.ndim != 3 or frame.shape[2] != 3:
            raise SandlotError(f"{self._env} draws no pictures, so it can't be filmed")
        return frame
