"""The frames of one episode, with its caption and overlay."""

import os
from collections.abc import Iterator

import gymnasium
import numpy as np
from PIL import Image

from sandlot.envs import EpisodeFrame, Frame

from .drawing import BACKGROUND, MUTED, Box, draw_text, format_number
from .overlay import OverlayPanel

MIN_WIDTH = 400
"""Pictures with a caption or an overlay are magnified to at least this width, so that the text is readable."""
SMALLEST_FILM = 256
"""Pictures whose longer side has fewer pixels are enlarged by a whole factor to at least this."""
DIMMED = 0.4


class EpisodeFrames:
    """Iterate over the frames of an episode. All have the size of the first, and may be one array, drawn on again.

    Args:
        env: The environment, whose actions the overlay names.
        moments: The episode, as `envs.render_episode` yields it.
        label: The caption above the picture; none if empty.
        overlay: Draw a panel below a wide picture, or beside a tall one.
    """

    def __init__(self, env: gymnasium.Env, moments: Iterator[EpisodeFrame], label: str = "", *, overlay: bool = False):
        self.env, self.moments, self.label, self.overlay = env, moments, label, overlay
        self.total = 0.0
        """The return so far."""
        self.steps, self.over = 0, False
        """Env steps so far, and whether the episode has ended, rather than been cut off."""
        self.contents = FilmContents()
        self.size: tuple[int, int] | None = None
        self.canvas: Frame | None = None

    def __iter__(self) -> "EpisodeFrames":
        return self

    def __next__(self) -> Frame:
        moment = next(self.moments)
        self.total, self.steps, self.over = moment.total, moment.step, moment.over
        frame = moment.frame
        self.contents.add(frame)
        height, width = self.size = self.size or frame.shape[:2]
        if frame.shape[:2] != self.size:
            frame = np.asarray(Image.fromarray(frame).resize((width, height)))
        if not (self.label or self.overlay or max(self.size) < SMALLEST_FILM):
            self.canvas = self.picture = frame
            return frame
        if self.canvas is None:
            self.canvas = self._make_canvas(height, width)
        self.pixels[:] = frame[:, None, :, None]
        if self.label:
            self.caption[:] = self._draw_caption(moment)
        if self.overlay:
            self.panel_area[:] = self.panel.draw(moment)
        return self.canvas

    def dimmed(self) -> Frame:
        """Return the last frame with its picture dimmed."""
        assert self.canvas is not None
        if self.picture is self.canvas:
            return _dim(self.canvas)
        self.picture[:] = _dim(self.picture)
        return self.canvas

    def _make_canvas(self, height: int, width: int) -> Frame:
        """Return the canvas for pictures of this size; the areas that are drawn on are views of it."""
        self.scale = -(-MIN_WIDTH // width) if self.label or self.overlay else -(-SMALLEST_FILM // max(height, width))
        height, width = self.scale * height, self.scale * width
        beside = height > 0.9 * width
        self.font_size = round(height / 21 if beside and self.overlay else width / 26)
        above = round(1.7 * self.font_size) if self.label else 0
        right = round(0.62 * height) if self.overlay and beside else 0
        below = round(0.36 * width) if self.overlay and not beside else 0
        canvas = np.empty((above + height + below, width + right, 3), np.uint8)
        canvas[:] = BACKGROUND
        self.caption = canvas[:above]
        self.picture = canvas[above : above + height, :width]
        self.pixels = self.picture.reshape(height // self.scale, self.scale, width // self.scale, self.scale, 3)
        self.panel_area = canvas[above:, width:] if right else canvas[above + height :]
        if self.overlay:
            panel_height, panel_width, _ = self.panel_area.shape
            self.panel = OverlayPanel(self.env, panel_width, panel_height, self.font_size)
        return canvas

    def _draw_caption(self, moment: EpisodeFrame) -> Frame:
        height, width, _ = self.caption.shape
        image = Image.new("RGB", (width, height), BACKGROUND)
        box = Box(self.font_size // 2, 0, width - self.font_size // 2, height)
        draw_text(image, box, self.label, self.font_size, bold=True)
        draw_text(image, box, f"return {format_number(moment.total)}", self.font_size, MUTED, right_aligned=True)
        return np.asarray(image)


class FilmContents:
    """What the frames of an episode show: whether they have more than one colour, and differ."""

    def __init__(self) -> None:
        self.first: Frame | None = None
        self.count = 0
        self.one_colour = self.alike = True

    def add(self, frame: Frame) -> None:
        """Take in a frame; cheap once there is something to see."""
        self.count += 1
        if self.first is None:
            self.first = frame.copy()
        if self.one_colour:
            self.one_colour = bool((frame == self.first[0, 0]).all())
        if self.alike and self.count > 1:
            self.alike = np.array_equal(frame, self.first)

    @property
    def problem(self) -> str | None:
        """What is wrong with the film, if it shows nothing."""
        if self.one_colour:
            return "all frames are of one colour: the environment draws nothing" + _driver()
        return (
            "all frames are the same: nothing moves, or the agent is stuck" if self.alike and self.count > 2 else None
        )


def _driver() -> str:
    driver = os.environ.get("SDL_VIDEODRIVER")
    return f"; SDL_VIDEODRIVER={driver} may be why (offscreen draws)" if driver == "dummy" else ""


def _dim(picture: Frame) -> Frame:
    return (DIMMED * picture).astype(np.uint8)
