"""What the agent makes of its actions: bars for choices, gauges for numbers."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from PIL import Image

from sandlot.agents.action_info import ActionInfo
from sandlot.envs import action_names, choices, chosen

from .drawing import BAR, CHOSEN, FAINT, PAPER, TEXT, TRACK, Box, fill, letters_of, short, write

MOST_COLUMNS = 4
SMALLEST_LETTERS = 9
TALLEST = 1.7
"""Height of a row, in the size of letters."""
FIGURES = "−00.00"
LOWEST_BAR = 0.1
"""Length of the bar of an action as bad as any was."""


def actions_for(env: gymnasium.Env, box: Box, unit: int) -> "Rows":
    """Return what shows the actions of `env` in `box`; `unit` is the size of letters."""
    names = action_names(env)
    return (Bars if choices(env.action_space) else Gauges)(env.action_space, names, box, unit)


class Rows(ABC):
    """A row for each name, in as many columns as make the letters largest; without letters if they are too small."""

    def __init__(self, space: gymnasium.Space, names: Sequence[str], box: Box, unit: int):
        self.space, self.names = space, names
        gap = max(2, unit // 5)
        sizes = {columns: _letters(names, box, columns, gap, unit) for columns in range(1, MOST_COLUMNS + 1)}
        columns = max(sizes, key=lambda columns: sizes[columns])
        self.size = sizes[columns]
        rows = -(-len(names) // columns)
        tallest = min(box.height, rows * (round(TALLEST * unit) + gap) - gap)
        used = box._replace(bottom=box.top + tallest)
        cells = [cell for column in used.columns(columns, 2 * gap) for cell in column.rows(rows, gap)]
        self.boxes = cells[: len(names)]
        self.pad = max(2, self.size // 3)

    @abstractmethod
    def title(self, action_info: ActionInfo) -> str:
        """Return what the rows show."""

    @abstractmethod
    def draw(self, picture: Image.Image, action: Any, action_info: ActionInfo) -> None:
        """Draw what changes."""

    def prepare(self, picture: Image.Image) -> None:
        """Draw what stays."""
        for box in self.boxes:
            fill(picture, box, TRACK)

    def label(self, picture: Image.Image, row: int, text: str, colour: tuple[int, int, int] = TEXT) -> None:
        """Write a row's name and `text`, if that can be read."""
        box = self.boxes[row]
        inner = box._replace(left=box.left + self.pad, right=box.right - self.pad)
        if self.size < SMALLEST_LETTERS:
            return
        write(picture, inner, self.names[row], self.size, colour)
        write(picture, inner, text, self.size, colour, end=True)


class Bars(Rows):
    """A bar for each choice: its probability, or how its value compares; the chosen one stands out."""

    def __init__(self, space: gymnasium.Space, names: Sequence[str], box: Box, unit: int):
        super().__init__(space, names, box, unit)
        self._spread = 0.0
        """The greatest difference between the values of two actions, so far."""

    def title(self, action_info: ActionInfo) -> str:
        if action_info.probability is not None:
            return "probability"
        return "action" if action_info.action_value is None else "value of each action"

    def draw(self, picture: Image.Image, action: Any, action_info: ActionInfo) -> None:
        taken = chosen(self.space, action)
        shares, texts = self._read(action_info, taken)
        for row, (box, share) in enumerate(zip(self.boxes, shares, strict=True)):
            end = box.left + round(float(share) * box.width)
            fill(picture, box._replace(right=end), CHOSEN if taken[row] else BAR)
            self.label(picture, row, texts[row], TEXT if texts[row] != "–" else FAINT)

    def _read(self, action_info: ActionInfo, taken: np.ndarray) -> tuple[np.ndarray, list[str]]:
        """Return the length of each bar, from 0 to 1, and what to write on it."""
        if action_info.probability is not None:
            texts = [f"{100 * share:.0f} %" for share in action_info.probability]
            return action_info.probability, texts
        if action_info.action_value is None:
            return taken.astype(float), [""] * len(taken)
        worth = action_info.action_value
        finite = np.isfinite(worth)
        best, worst = (worth[finite].max(), worth[finite].min()) if finite.any() else (0.0, 0.0)
        self._spread = max(self._spread, best - worst, 1e-9)
        lack = (best - np.where(finite, worth, worst)) / self._spread
        shares = np.where(finite, 1 - (1 - LOWEST_BAR) * lack, 0.0)
        return shares, [short(value) for value in worth]


class Gauges(Rows):
    """A scale for each number of the action: what was chosen, and where the policy would have it."""

    def __init__(self, space: Any, names: Sequence[str], box: Box, unit: int):
        super().__init__(space, names, box, unit)
        low, high = space.low.ravel().astype(float), space.high.ravel().astype(float)
        self.bounded = np.isfinite(low) & np.isfinite(high)
        self.low, self.high = np.where(self.bounded, low, -1.0), np.where(self.bounded, high, 1.0)

    def title(self, action_info: ActionInfo) -> str:
        return "action" if action_info.std is None else "action, mean ± std"

    def draw(self, picture: Image.Image, action: Any, action_info: ActionInfo) -> None:
        numbers = np.ravel(action).astype(float)
        far = np.where(self.bounded, 0.0, np.abs(numbers))
        self.low, self.high = np.minimum(self.low, -far), np.maximum(self.high, far)
        if action_info.mean is not None and action_info.std is not None:
            for row, box in enumerate(self.boxes):
                left, right = (self._x(row, action_info.mean[row] + side * action_info.std[row]) for side in (-1, 1))
                fill(picture, box._replace(left=left, right=max(right, left + 1)), BAR)
        thick = max(2, self.pad // 2)
        for row, box in enumerate(self.boxes):
            if self.low[row] < 0 < self.high[row]:
                fill(picture, box._replace(left=self._x(row, 0.0), right=self._x(row, 0.0) + 1), PAPER)
            x = min(self._x(row, numbers[row]), box.right - thick)
            fill(picture, box._replace(left=x, right=x + thick), CHOSEN)
            self.label(picture, row, short(numbers[row]))

    def _x(self, row: int, number: float) -> int:
        box = self.boxes[row]
        share = (number - self.low[row]) / (self.high[row] - self.low[row])
        return box.left + round(min(max(share, 0.0), 1.0) * box.width)


def _letters(names: Sequence[str], box: Box, columns: int, gap: int, unit: int) -> int:
    """Return the size of letters with which `names` and their figures fit into so many columns of `box`."""
    rows = -(-len(names) // columns)
    height, width = (box.height + gap) / rows - gap, (box.width + 2 * gap) / columns - 2 * gap
    longest = max(letters_of(name + FIGURES, 100, False).width for name in names) / 100 + 1  # 1 for the space around
    return int(min(0.85 * unit, 0.62 * height, width / longest))
