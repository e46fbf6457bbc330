"""The panel beside or below a picture: how the episode goes, and what the agent was thinking."""

from typing import Any

import gymnasium
import numpy as np
from PIL import Image

from sandlot.agents.action_info import ActionInfo
from sandlot.envs import EpisodeFrame, Frame, action_names

from .actions import TALLEST, actions_for
from .chart import Chart
from .drawing import FAINT, PAPER, Box, short, write


class Panel:
    """Draws the panel of one episode. `unit` is the size of its letters."""

    def __init__(self, env: gymnasium.Env, width: int, height: int, unit: int):
        self.unit = unit
        pad = round(0.7 * unit)
        inner = Box(pad, pad, width - pad, height - pad)
        tall = height > width
        rows = len(action_names(env))
        self.head, actions, chart = _stacked(inner, unit, rows) if tall else _side_by_side(inner, unit)
        self.size = min(round(1.15 * unit), round(self.head[0].width / 4.3))
        (self.actions_title, actions), (self.chart_title, chart) = (
            _cut(box, unit, unit // 5) for box in (actions, chart)
        )
        self.actions = actions_for(env, actions, unit)
        self.chart = Chart(chart, unit)
        self._ground = Image.new("RGB", (width, height), PAPER)
        for part in (self.actions, self.chart):
            part.prepare(self._ground)
        for name, box in zip(("step", "reward", "return"), self.head, strict=True):
            write(self._ground, box._replace(bottom=box.top + round(0.9 * unit)), name, round(0.7 * unit), FAINT)
        self._last: tuple[Any, ActionInfo] | None = None

    def draw(self, shot: EpisodeFrame) -> Frame:
        """Return the panel for a moment. At the end of an episode the last thoughts stay."""
        picture = self._ground.copy()
        for text, box in zip((f"{shot.step:,}", short(shot.reward), short(shot.total)), self.head, strict=True):
            write(picture, box._replace(top=box.top + round(0.8 * self.unit)), text, self.size, bold=True)
        if shot.action_info is not None:
            self._last = (shot.action, shot.action_info)
            self.chart.add(float(shot.total if shot.action_info.value is None else shot.action_info.value))
        if self._last is not None:
            action, action_info = self._last
            self.actions.draw(picture, action, action_info)
            self.chart.draw(picture)
            small, name = round(0.7 * self.unit), "return" if action_info.value is None else "value"
            write(picture, self.actions_title, self.actions.title(action_info), small, FAINT)
            write(picture, self.chart_title, name, small, FAINT)
            box = self.chart_title._replace(right=self.chart.box.right)
            write(picture, box, short(self.chart.numbers[-1]), round(0.85 * self.unit), bold=True, end=True)
        return np.asarray(picture)


def _stacked(inner: Box, unit: int, rows: int) -> tuple[list[Box], Box, Box]:
    """Return the places of figures, actions and chart in a tall panel."""
    head, rest = _cut(inner, round(2.2 * unit), unit // 2)
    wanted = round((1.2 + rows * (TALLEST + 0.2)) * unit)
    actions, chart = _cut(rest, min(wanted, round(0.64 * rest.height)), unit // 2)
    return head.columns(3, unit // 2), actions, chart


def _side_by_side(inner: Box, unit: int) -> tuple[list[Box], Box, Box]:
    """Return the same places in a wide panel."""
    left, right = inner.columns(2, unit)
    head, chart = _cut(right, round(2.2 * unit), unit // 2)
    return head.columns(3, unit // 2), left, chart


def _cut(box: Box, height: int, gap: int) -> tuple[Box, Box]:
    return box._replace(bottom=box.top + height), box._replace(top=box.top + height + gap)
