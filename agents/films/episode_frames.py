"""One episode as pictures, with what is written around them."""

from collections.abc import Iterator

import gymnasium
import numpy as np
from PIL import Image

from sandlot.envs import EpisodeFrame, Frame

from .drawing import FAINT, PAPER, Box, short, write
from .panel import Panel

LEAST_WIDTH = 400
"""Pictures with something written around them are magnified to this width or more, so that letters have room."""
FADED = 0.4


class Reel:
    """The pictures of an episode, in the order of its moments.

    With an `overlay` they have a panel, below what is wide and beside what is tall; with a `label`, a caption.
    """

    def __init__(self, env: gymnasium.Env, shots: Iterator[EpisodeFrame], label: str = "", *, overlay: bool = False):
        self.env, self.shots, self.label, self.overlay = env, shots, label, overlay
        self.total = 0.0
        """The return so far."""
        self.canvas: Frame | None = None

    def __iter__(self) -> "Reel":
        return self

    def __next__(self) -> Frame:
        shot = next(self.shots)
        self.total = shot.total
        if not (self.label or self.overlay):
            self.canvas = self.picture = shot.frame
            return shot.frame
        if self.canvas is None:
            self._lay_out(*shot.frame.shape[:2])
        self.pixels[:] = shot.frame[:, None, :, None]
        if self.label:
            self.caption[:] = self._caption(shot)
        if self.overlay:
            self.beside[:] = self.panel.draw(shot)
        assert self.canvas is not None
        return self.canvas

    def faded(self) -> Frame:
        """Return the last moment with its picture dimmed."""
        assert self.canvas is not None
        if self.picture is self.canvas:
            return _dimmed(self.canvas)
        self.picture[:] = _dimmed(self.picture)
        return self.canvas

    def _lay_out(self, height: int, width: int) -> None:
        """Make the canvas, and the parts of it that are drawn on."""
        self.scale = -(-LEAST_WIDTH // width)
        height, width = self.scale * height, self.scale * width
        self.tall = height > 0.9 * width
        self.unit = round(height / 21 if self.tall and self.overlay else width / 26)
        above = round(1.7 * self.unit) if self.label else 0
        right = round(0.62 * height) if self.overlay and self.tall else 0
        below = round(0.36 * width) if self.overlay and not self.tall else 0
        self.canvas = np.empty((above + height + below, width + right, 3), np.uint8)
        self.canvas[:] = PAPER
        self.caption = self.canvas[:above]
        self.picture = self.canvas[above : above + height, :width]
        self.pixels = self.picture.reshape(height // self.scale, self.scale, width // self.scale, self.scale, 3)
        self.beside = self.canvas[above:, width:] if right else self.canvas[above + height :]
        if self.overlay:
            self.panel = Panel(self.env, self.beside.shape[1], self.beside.shape[0], self.unit)

    def _caption(self, shot: EpisodeFrame) -> Frame:
        height, width, _ = self.caption.shape
        picture = Image.new("RGB", (width, height), PAPER)
        box = Box(self.unit // 2, 0, width - self.unit // 2, height)
        write(picture, box, self.label, self.unit, bold=True)
        write(picture, box, f"return {short(shot.total)}", self.unit, FAINT, end=True)
        return np.asarray(picture)


def _dimmed(picture: Frame) -> Frame:
    return (FADED * picture).astype(np.uint8)
