"""Colours, letters and numbers of what is written beside a film."""

import math
from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
PAPER: Colour = (19, 22, 30)
TRACK: Colour = (38, 43, 56)
BAR: Colour = (62, 84, 122)
CHOSEN: Colour = (214, 126, 34)
LINE: Colour = (92, 190, 210)
TEXT: Colour = (236, 239, 244)
FAINT: Colour = (146, 155, 172)


class Box(NamedTuple):
    """A rectangle in pixels; right and bottom lie outside."""

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
        """Return `count` boxes one below the other, `gap` apart."""
        step = (self.height + gap) / count
        edges = [self.top + round(step * index) for index in range(count + 1)]
        return [Box(self.left, top, self.right, after - gap) for top, after in pairwise(edges)]

    def columns(self, count: int, gap: int) -> list["Box"]:
        """Return `count` boxes side by side, `gap` apart."""
        step = (self.width + gap) / count
        edges = [self.left + round(step * index) for index in range(count + 1)]
        return [Box(left, self.top, after - gap, self.bottom) for left, after in pairwise(edges)]


def fill(picture: Image.Image, box: Box, colour: Colour) -> None:
    """Paint a rectangle."""
    if box.width > 0 and box.height > 0:
        picture.paste(colour, box)


def write(
    picture: Image.Image,
    box: Box,
    text: str,
    size: int,
    colour: Colour = TEXT,
    *,
    bold: bool = False,
    end: bool = False,
) -> None:
    """Write a line in the middle of `box`'s height, from its left or, with `end`, up to its right."""
    letters = letters_of(text, size, bold)
    left = box.right - letters.width if end else box.left
    picture.paste(colour, (left, box.top + (box.height - letters.height) // 2), letters)


@lru_cache(4096)
def letters_of(text: str, size: int, bold: bool) -> Image.Image:
    """Return a line of text as a mask. Most are needed again: drawing them anew would be half of a frame's time."""
    font = font_of(size, bold)
    ascent, descent = font.getmetrics()
    mask = Image.new("L", (max(1, math.ceil(font.getlength(text))), ascent + descent))
    ImageDraw.Draw(mask).text((0, 0), text, 255, font)
    return mask


@lru_cache
def font_of(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    """Return the font that comes with matplotlib, without importing it."""
    package = find_spec("matplotlib")
    assert package is not None
    assert package.origin is not None
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(package.origin).parent / "mpl-data" / "fonts" / "ttf" / name), size)


def short(number: float) -> str:
    """Return `number` in a few characters: whole, or with three digits, or more if it has them before the point."""
    size = abs(number)
    if not math.isfinite(number):
        return "–"
    if size >= 99_950:
        return f"{number / 1000:,.0f}k".replace("-", "−")
    digits = 0 if size >= 99.95 or number == round(number) else 1 if size >= 9.995 else 2
    text = f"{number:,.{digits}f}".replace("-", "−")
    return text.removeprefix("−") if not text.strip("−0.") else text
