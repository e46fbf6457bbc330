"""The overlay beside or below a picture: how the episode goes, and what the agent expects."""

from typing import Any

import gymnasium
import numpy as np
from PIL import Image

from sandlot.agents.action_info import ActionInfo
from sandlot.envs import EpisodeFrame, Frame, action_names

from .action_charts import MAX_ROW_HEIGHT, make_action_chart
from .drawing import BACKGROUND, MUTED, Box, draw_text, format_number
from .line_chart import LineChart


class OverlayPanel:
    """Draw step, reward, return, a chart of the actions and one of the value, frame by frame of one episode."""

    def __init__(self, env: gymnasium.Env, width: int, height: int, font_size: int):
        self.font_size = font_size
        padding = round(0.7 * font_size)
        inner = Box(padding, padding, width - padding, height - padding)
        num_rows = len(action_names(env))
        self.numbers, actions, chart = (
            _tall_layout(inner, font_size, num_rows) if height > width else _wide_layout(inner, font_size)
        )
        self.number_size = min(round(1.15 * font_size), round(self.numbers[0].width / 4.3))
        (self.actions_title, actions), (self.chart_title, chart) = (
            _split_top(box, font_size, font_size // 5) for box in (actions, chart)
        )
        self.actions = make_action_chart(env, actions, font_size)
        self.chart = LineChart(chart, font_size)
        self._background = Image.new("RGB", (width, height), BACKGROUND)
        self.actions.prepare(self._background)
        self.chart.prepare(self._background)
        for name, box in zip(("step", "reward", "return"), self.numbers, strict=True):
            top = box._replace(bottom=box.top + round(0.9 * font_size))
            draw_text(self._background, top, name, round(0.7 * font_size), MUTED)
        self._last: tuple[Any, ActionInfo] | None = None

    def draw(self, moment: EpisodeFrame) -> Frame:
        """Return the panel for a moment of the episode. At its end the charts stay as they were."""
        image = self._background.copy()
        texts = f"{moment.step:,}", format_number(moment.reward), format_number(moment.total)
        for text, box in zip(texts, self.numbers, strict=True):
            bottom = box._replace(top=box.top + round(0.8 * self.font_size))
            draw_text(image, bottom, text, self.number_size, bold=True)
        if moment.action_info is not None:
            self._last = (moment.action, moment.action_info)
            self.chart.add(float(moment.total if moment.action_info.value is None else moment.action_info.value))
        if self._last is not None:
            self._draw_charts(image, *self._last)
        return np.asarray(image)

    def _draw_charts(self, image: Image.Image, action: Any, action_info: ActionInfo) -> None:
        self.actions.draw(image, action, action_info)
        self.chart.draw(image)
        small, name = round(0.7 * self.font_size), "return" if action_info.value is None else "value"
        draw_text(image, self.actions_title, self.actions.title(action_info), small, MUTED)
        draw_text(image, self.chart_title, name, small, MUTED)
        box, size = self.chart_title._replace(right=self.chart.box.right), round(0.85 * self.font_size)
        draw_text(image, box, format_number(self.chart.numbers[-1]), size, bold=True, right_aligned=True)


def _tall_layout(inner: Box, font_size: int, num_rows: int) -> tuple[list[Box], Box, Box]:
    """Return the boxes of the numbers, the actions and the chart: one below the other."""
    head, rest = _split_top(inner, round(2.2 * font_size), font_size // 2)
    wanted = round((1.2 + num_rows * (MAX_ROW_HEIGHT + 0.2)) * font_size)
    actions, chart = _split_top(rest, min(wanted, round(0.64 * rest.height)), font_size // 2)
    return head.columns(3, font_size // 2), actions, chart


def _wide_layout(inner: Box, font_size: int) -> tuple[list[Box], Box, Box]:
    """Return the same boxes: the actions on the left, the numbers and the chart on the right."""
    left, right = inner.columns(2, font_size)
    head, chart = _split_top(right, round(2.2 * font_size), font_size // 2)
    return head.columns(3, font_size // 2), left, chart


def _split_top(box: Box, height: int, gap: int) -> tuple[Box, Box]:
    """Return the upper `height` pixels of `box`, and what is left of it below a gap."""
    return box._replace(bottom=box.top + height), box._replace(top=box.top + height + gap)
