"""Log metrics at intervals during training."""

import time
from collections.abc import Mapping

from .run import Run


class MetricLogger:
    """Log a row of metrics every `interval` steps, with the speed since the last."""

    def __init__(self, run: Run | None, every: int, speed: str):
        self.run, self.every, self.speed = run, every, speed
        self.due = 0
        self.step, self.time = 0, time.perf_counter()

    def is_due(self, step: int) -> bool:
        """Return whether a row is due at `step`."""
        return step >= self.due

    def write(self, step: int, row: Mapping[str, float]) -> None:
        """Log `row` and the speed at `step`."""
        self.due = step + self.every
        now = time.perf_counter()
        speed = (step - self.step) / max(now - self.time, 1e-9)
        self.step, self.time = step, now
        if self.run is not None:
            self.run.log({**row, self.speed: speed}, step)
