"""Charts of an agent's actions: bars for discrete ones, gauges for continuous ones."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from PIL import Image

from sandlot.agents.action_info import ActionInfo
from sandlot.envs import action_names, choices, chosen

from .drawing import (
    BACKGROUND,
    BAR,
    CHOSEN,
    MUTED,
    TEXT,
    TRACK,
    Box,
    Colour,
    draw_text,
    fill_box,
    format_number,
    text_mask,
)

MAX_COLUMNS = 4
MIN_FONT_SIZE = 9
"""Font size below which nothing is written."""
MAX_ROW_HEIGHT = 1.7
"""Height of a row, relative to the font size of the overlay."""
WIDEST_NUMBER = "−00.00"
MIN_BAR = 0.1
"""Length of the bar of the worst action value so far, relative to the best one's."""


def make_action_chart(env: gymnasium.Env, box: Box, font_size: int) -> "ActionChart":
    """Return a chart in `box` of the actions of `env`, whose rows grow with `font_size`."""
    chart_type = ActionBars if choices(env.action_space) else ActionGauges
    return chart_type(env.action_space, action_names(env), box, font_size)


class ActionChart(ABC):
    """A row for each action, in as many columns as make the text largest."""

    def __init__(self, space: gymnasium.Space, names: Sequence[str], box: Box, font_size: int):
        self.space, self.names = space, names
        gap = max(2, font_size // 5)
        sizes = {count: _font_size(names, box, count, gap, font_size) for count in range(1, MAX_COLUMNS + 1)}
        num_columns = max(sizes, key=lambda count: sizes[count])
        self.font_size = sizes[num_columns]
        num_rows = -(-len(names) // num_columns)
        height = min(box.height, num_rows * (round(MAX_ROW_HEIGHT * font_size) + gap) - gap)
        used = box._replace(bottom=box.top + height)
        cells = [cell for column in used.columns(num_columns, 2 * gap) for cell in column.rows(num_rows, gap)]
        self.boxes = cells[: len(names)]
        self.padding = max(2, self.font_size // 3)

    @abstractmethod
    def title(self, action_info: ActionInfo) -> str:
        """Return what the rows show."""

    @abstractmethod
    def draw(self, image: Image.Image, action: Any, action_info: ActionInfo) -> None:
        """Draw what changes from step to step."""

    def prepare(self, image: Image.Image) -> None:
        """Draw what does not change."""
        for box in self.boxes:
            fill_box(image, box, TRACK)

    def label(self, image: Image.Image, row: int, text: str, colour: Colour = TEXT) -> None:
        """Write a row's name and `text`, if they are large enough to read."""
        if self.font_size < MIN_FONT_SIZE:
            return
        box = self.boxes[row]
        inner = box._replace(left=box.left + self.padding, right=box.right - self.padding)
        draw_text(image, inner, self.names[row], self.font_size, colour)
        draw_text(image, inner, text, self.font_size, colour, right_aligned=True)


class ActionBars(ActionChart):
    """A bar for each discrete action: its probability, or its value relative to the best; the chosen one stands out."""

    def __init__(self, space: gymnasium.Space, names: Sequence[str], box: Box, font_size: int):
        super().__init__(space, names, box, font_size)
        self._max_difference = 0.0
        """The largest difference between two action values so far."""

    def title(self, action_info: ActionInfo) -> str:
        if action_info.probability is not None:
            return "probability"
        return "action" if action_info.action_value is None else "action value"

    def draw(self, image: Image.Image, action: Any, action_info: ActionInfo) -> None:
        is_chosen = chosen(self.space, action)
        lengths, texts = self._bars(action_info, is_chosen)
        for row, (box, length) in enumerate(zip(self.boxes, lengths, strict=True)):
            end = box.left + round(float(length) * box.width)
            fill_box(image, box._replace(right=end), CHOSEN if is_chosen[row] else BAR)
            self.label(image, row, texts[row], TEXT if texts[row] != "–" else MUTED)

    def _bars(self, action_info: ActionInfo, is_chosen: np.ndarray) -> tuple[np.ndarray, list[str]]:
        """Return the length of each bar, from 0 to 1, and its text."""
        if action_info.probability is not None:
            texts = [f"{100 * probability:.0f} %" for probability in action_info.probability]
            return action_info.probability, texts
        if action_info.action_value is None:
            return is_chosen.astype(float), [""] * len(is_chosen)
        q_values = action_info.action_value
        finite = np.isfinite(q_values)
        best, worst = (q_values[finite].max(), q_values[finite].min()) if finite.any() else (0.0, 0.0)
        self._max_difference = max(self._max_difference, best - worst, 1e-9)
        shortfall = (best - np.where(finite, q_values, worst)) / self._max_difference
        lengths = np.where(finite, 1 - (1 - MIN_BAR) * shortfall, 0.0)
        return lengths, [format_number(value) for value in q_values]


class ActionGauges(ActionChart):
    """A gauge for each component of a continuous action: the value chosen, and the policy's mean ± std."""

    def __init__(self, space: gymnasium.Space, names: Sequence[str], box: Box, font_size: int):
        super().__init__(space, names, box, font_size)
        assert isinstance(space, spaces.Box)
        low, high = space.low.ravel().astype(float), space.high.ravel().astype(float)
        self.bounded = np.isfinite(low) & np.isfinite(high)
        self.low, self.high = np.where(self.bounded, low, -1.0), np.where(self.bounded, high, 1.0)

    def title(self, action_info: ActionInfo) -> str:
        return "action" if action_info.std is None else "action, mean ± std"

    def draw(self, image: Image.Image, action: Any, action_info: ActionInfo) -> None:
        values = np.ravel(action).astype(float)
        reach = np.where(self.bounded, 0.0, np.abs(values))
        self.low, self.high = np.minimum(self.low, -reach), np.maximum(self.high, reach)
        if action_info.mean is not None and action_info.std is not None:
            for row, box in enumerate(self.boxes):
                left, right = (self._x(row, action_info.mean[row] + sign * action_info.std[row]) for sign in (-1, 1))
                fill_box(image, box._replace(left=left, right=max(right, left + 1)), BAR)
        thickness = max(2, self.padding // 2)
        for row, box in enumerate(self.boxes):
            if self.low[row] < 0 < self.high[row]:
                zero = self._x(row, 0.0)
                fill_box(image, box._replace(left=zero, right=zero + 1), BACKGROUND)
            x = min(self._x(row, values[row]), box.right - thickness)
            fill_box(image, box._replace(left=x, right=x + thickness), CHOSEN)
            self.label(image, row, format_number(values[row]))

    def _x(self, row: int, value: float) -> int:
        box = self.boxes[row]
        fraction = (value - self.low[row]) / (self.high[row] - self.low[row])
        return box.left + round(min(max(fraction, 0.0), 1.0) * box.width)


def _font_size(names: Sequence[str], box: Box, num_columns: int, gap: int, largest: int) -> int:
    """Return the font size with which `names` and their numbers fit into so many columns of `box`."""
    num_rows = -(-len(names) // num_columns)
    height, width = (box.height + gap) / num_rows - gap, (box.width + 2 * gap) / num_columns - 2 * gap
    longest = max(text_mask(name + WIDEST_NUMBER, 100, False).width for name in names) / 100 + 1  # 1 for the padding
    return int(min(0.85 * largest, 0.62 * height, width / longest))
