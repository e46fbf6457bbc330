"""Colours, boxes, text and numbers for what is drawn around a film."""

import math
from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
BACKGROUND: Colour = (19, 22, 30)
TRACK: Colour = (38, 43, 56)
BAR: Colour = (62, 84, 122)
CHOSEN: Colour = (214, 126, 34)
LINE: Colour = (92, 190, 210)
TEXT: Colour = (236, 239, 244)
MUTED: Colour = (146, 155, 172)


class Box(NamedTuple):
    """A rectangle in pixels; `right` and `bottom` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def rows(self, count: int, gap: int) -> list["Box"]:
        """Return `count` equal boxes from top to bottom, `gap` pixels apart."""
        step = (self.height + gap) / count
        edges = [self.top + round(step * index) for index in range(count + 1)]
        return [Box(self.left, top, self.right, next_edge - gap) for top, next_edge in pairwise(edges)]

    def columns(self, count: int, gap: int) -> list["Box"]:
        """Return `count` equal boxes from left to right, `gap` pixels apart."""
        step = (self.width + gap) / count
        edges = [self.left + round(step * index) for index in range(count + 1)]
        return [Box(left, self.top, next_edge - gap, self.bottom) for left, next_edge in pairwise(edges)]


def fill_box(image: Image.Image, box: Box, colour: Colour) -> None:
    """Fill a rectangle."""
    if box.width > 0 and box.height > 0:
        image.paste(colour, box)


def draw_text(
    image: Image.Image,
    box: Box,
    text: str,
    size: int,
    colour: Colour = TEXT,
    *,
    bold: bool = False,
    right_aligned: bool = False,
) -> None:
    """Draw a line of text, vertically centred in `box`."""
    mask = text_mask(text, size, bold)
    left = box.right - mask.width if right_aligned else box.left
    image.paste(colour, (left, box.top + (box.height - mask.height) // 2), mask)


@lru_cache(4096)
def text_mask(text: str, size: int, bold: bool) -> Image.Image:
    """Return a line of text as a mask, cached: drawing it anew for each frame would double the time of a frame."""
    font = load_font(size, bold)
    ascent, descent = font.getmetrics()
    mask = Image.new("L", (max(1, math.ceil(font.getlength(text))), ascent + descent))
    ImageDraw.Draw(mask).text((0, 0), text, 255, font)
    return mask


@lru_cache
def load_font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    """Return the font that matplotlib ships, without importing matplotlib."""
    package = find_spec("matplotlib")
    assert package is not None
    assert package.origin is not None
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(package.origin).parent / "mpl-data" / "fonts" / "ttf" / name), size)


def format_number(number: float) -> str:
    """Return `number` in a few characters: whole numbers in full, others to about three significant digits."""
    size = abs(number)
    if not math.isfinite(number):
        return "–"
    if size >= 99_950:
        return f"{number / 1000:,.0f}k".replace("-", "−")
    digits = 0 if size >= 99.95 or number == round(number) else 1 if size >= 9.995 else 2
    text = f"{number:,.{digits}f}".replace("-", "−")
    return text.removeprefix("−") if not text.strip("−0.") else text
