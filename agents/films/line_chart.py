"""A line chart of a number over the last steps."""

from collections import deque

from PIL import Image, ImageDraw

from .drawing import LINE, MUTED, TRACK, Box, draw_text, fill_box, format_number

MAX_STEPS, MIN_STEPS = 200, 40
"""The most and the fewest steps on the x axis."""
MIN_SPAN = 0.1
"""Smallest range of the y axis, relative to the magnitude of the numbers, so that small changes look small."""
SUPERSAMPLING = 2
"""Factor by which the chart is drawn larger and shrunk again: Pillow does not antialias lines."""
AREA_OPACITY, LINE_OPACITY = 70, 255


class LineChart:
    """Plot the last MAX_STEPS numbers of an episode, on a y axis with room for all numbers so far."""

    def __init__(self, box: Box, font_size: int):
        self.label_size = max(9, round(0.65 * font_size))
        self.box = box._replace(right=box.right - round(3.6 * self.label_size))
        self.axis = box._replace(left=self.box.right + self.label_size // 2)
        self.numbers: deque[float] = deque(maxlen=MAX_STEPS)
        self.low, self.high = float("inf"), float("-inf")
        self._thick = max(2, font_size // 9)

    def prepare(self, image: Image.Image) -> None:
        """Draw what does not change."""
        fill_box(image, self.box, TRACK)

    def add(self, number: float) -> None:
        """Append the next number."""
        self.numbers.append(number)
        self.low, self.high = min(self.low, number), max(self.high, number)

    def draw(self, image: Image.Image) -> None:
        """Draw the line, and the ends of the y axis."""
        if len(self.numbers) > 1:
            image.paste(LINE, self.box, self._mask())
        high, low = self._ends()
        size = self.label_size
        draw_text(image, self.axis._replace(bottom=self.axis.top + 2 * size), format_number(high), size, MUTED)
        draw_text(image, self.axis._replace(top=self.axis.bottom - 2 * size), format_number(low), size, MUTED)

    def _ends(self) -> tuple[float, float]:
        """Return the highest and the lowest number of the y axis."""
        magnitude = max(abs(self.high), abs(self.low), 1e-3)
        margin = max(0.0, MIN_SPAN * magnitude - (self.high - self.low)) / 2
        return self.high + margin, self.low - margin

    def _mask(self) -> Image.Image:
        """Return the opacity of the line and of the area below it."""
        width, height, thick = (SUPERSAMPLING * pixels for pixels in (self.box.width, self.box.height, self._thick))
        high, low = self._ends()
        scale = (height - 3 * thick) / (high - low)
        step = width / max(len(self.numbers) - 1, MIN_STEPS)
        points = [(step * index, 1.5 * thick + scale * (high - number)) for index, number in enumerate(self.numbers)]
        mask = Image.new("L", (width, height))
        draw = ImageDraw.Draw(mask)
        draw.polygon([(0, height), *points, (points[-1][0], height)], fill=AREA_OPACITY)
        draw.line(points, fill=LINE_OPACITY, width=thick)
        return mask.reduce(SUPERSAMPLING)
