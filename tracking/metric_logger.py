"""Rows of metrics, written now and then while a training goes on."""

import time
from collections.abc import Mapping

from .run import Run


class MetricLogger:
    """Write a row of metrics every so many steps, with the speed since the last."""

    def __init__(self, run: Run | None, every: int, speed: str):
        self.run, self.every, self.speed = run, every, speed
        self.due = 0
        self.step, self.time = 0, time.perf_counter()

    def is_due(self, step: int) -> bool:
        """Tell whether it is time for a row, at `step`."""
        return step >= self.due

    def write(self, step: int, row: Mapping[str, float]) -> None:
        """Log `row`, as it stands at `step`, and the speed."""
        self.due = step + self.every
        now = time.perf_counter()
        speed = (step - self.step) / max(now - self.time, 1e-9)
        self.step, self.time = step, now
        if self.run is not None:
            self.run.log({**row, self.speed: speed}, step)
