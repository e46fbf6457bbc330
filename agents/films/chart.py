"""A line that tells how a number went over the last steps."""

from collections import deque

from PIL import Image, ImageDraw

from .drawing import FAINT, LINE, TRACK, Box, fill, short, write

STEPS, LEAST_STEPS = 200, 40
"""The most and the fewest steps that the width of a chart stands for."""
LEAST_SPAN = 0.1
"""Span of the scale, as a part of the numbers' size: what changes less should look so."""
FINER = 2
"""Times the pixels in each direction: Pillow's lines have jagged edges, which shrinking smooths."""
AREA, EDGE = 70, 255


class Chart:
    """The numbers so far, or the last STEPS of them, on a scale that holds all there were."""

    def __init__(self, box: Box, unit: int):
        self.size = max(9, round(0.65 * unit))
        self.box = box._replace(right=box.right - round(3.6 * self.size))
        self.scale = box._replace(left=self.box.right + self.size // 2)
        self.numbers: deque[float] = deque(maxlen=STEPS)
        self.low, self.high = float("inf"), float("-inf")
        self._thick = max(2, unit // 9)

    def prepare(self, picture: Image.Image) -> None:
        """Draw what stays."""
        fill(picture, self.box, TRACK)

    def add(self, number: float) -> None:
        """Take in the next number."""
        self.numbers.append(number)
        self.low, self.high = min(self.low, number), max(self.high, number)

    def draw(self, picture: Image.Image) -> None:
        """Draw the line and the ends of its scale."""
        if len(self.numbers) > 1:
            picture.paste(LINE, self.box, self._mask())
        high, low = self._ends()
        write(picture, self.scale._replace(bottom=self.scale.top + 2 * self.size), short(high), self.size, FAINT)
        write(picture, self.scale._replace(top=self.scale.bottom - 2 * self.size), short(low), self.size, FAINT)

    def _ends(self) -> tuple[float, float]:
        """Return the highest and the lowest number of the scale."""
        size = max(abs(self.high), abs(self.low), 1e-3)
        wider = max(0.0, LEAST_SPAN * size - (self.high - self.low)) / 2
        return self.high + wider, self.low - wider

    def _mask(self) -> Image.Image:
        width, height, thick = FINER * self.box.width, FINER * self.box.height, FINER * self._thick
        high, low = self._ends()
        room = (height - 3 * thick) / (high - low)
        step = width / max(len(self.numbers) - 1, LEAST_STEPS)
        points = [(step * index, 1.5 * thick + room * (high - number)) for index, number in enumerate(self.numbers)]
        mask = Image.new("L", (width, height))
        draw = ImageDraw.Draw(mask)
        draw.polygon([(0, height), *points, (points[-1][0], height)], fill=AREA)
        draw.line(points, fill=EDGE, width=thick)
        return mask.reduce(FINER)
