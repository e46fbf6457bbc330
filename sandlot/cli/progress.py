"""Close the record of a training that ends early."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from sandlot.tracking import Run, SandlotError
from sandlot.tracking.common.progress_bar import ProgressBar


@contextmanager
def ended_in_order(run: Run, console: Console, step: Callable[[], int]) -> Iterator[None]:
    """Close the record of a training that is stopped or fails in the context."""
    try:
        yield
    except KeyboardInterrupt:
        run.finish({"status": "interrupted", run.axis: step()})
        steps = run.axis.replace("_", " ")
        console.print(f"Stopped at {steps} {step():,}. Go on with: sandlot resume {run.folder}")
        raise
    except SandlotError as error:
        try:
            run.finish({"status": "failed", run.axis: step(), "error": str(error)})
        except SandlotError:
            raise error from None  # nor can that be written
        raise SandlotError(f"{error}; the record up to the last checkpoint is in {run.folder}") from error


class EvaluationBar:
    """A progress bar of an evaluation, which shows up if it takes more than a moment."""

    PATIENCE = 2.0
    """Seconds after which it shows up."""

    def __init__(self, console: Console, episodes: int):
        self.console, self.episodes = console, episodes
        self._bar: ProgressBar | None = None
        self._began: float | None = None

    def update(self, done: int, mean: float | None) -> None:
        """Show how many episodes are over, and their mean return."""
        now = time.monotonic()
        self._began = self._began or now
        if self._bar is None and now - self._began > self.PATIENCE:
            self._bar = ProgressBar(self.console, "evaluation", self.episodes, "return").__enter__()
        if self._bar is not None:
            self._bar.update(done, mean)

    def stop(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.__exit__()
            self._bar = None
