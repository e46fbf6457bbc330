"""A progress bar, and how a training that is recorded ends early."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from sandlot.tracking import Run, SandlotError

from .table import number


class ProgressBar:
    """Show how far a training is, how fast, and the latest value of what it is judged by."""

    def __init__(self, console: Console, name: str, steps: int, judged_by: str):
        columns = (SpinnerColumn(), TextColumn("[bold]{task.description}"), BarColumn(), MofNCompleteColumn())
        figures = TextColumn(f"{{task.fields[speed]}} steps/s  {judged_by} {{task.fields[latest]}}")
        self.progress = Progress(*columns, figures, TimeRemainingColumn(), console=console, refresh_per_second=4)
        self.task = self.progress.add_task(name, total=steps, speed="–", latest="–")

    def __enter__(self) -> "ProgressBar":
        self.progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.progress.stop()

    def update(self, step: int, latest: float | None) -> None:
        """Show the step and the latest value."""
        speed = self.progress.tasks[0].speed
        shown = "–" if latest is None else number(latest)
        self.progress.update(self.task, completed=step, speed=f"{speed:,.0f}" if speed else "–", latest=shown)


@contextmanager
def ended_in_order(run: Run, console: Console, step: Callable[[], int], before: Callable[[], object]) -> Iterator[None]:
    """Close the record of a training that is stopped or fails in the context, after doing what must be `before`."""
    try:
        yield
    except KeyboardInterrupt:
        before()
        run.finish({"status": "interrupted", run.axis: step()})
        steps = run.axis.replace("_", " ")
        console.print(f"Stopped at {steps} {step():,}. Go on with: sandlot resume {run.folder}")
        raise
    except SandlotError as error:
        before()
        run.finish({"status": "failed", run.axis: step(), "error": str(error)})
        raise SandlotError(f"{error}; the record up to the last checkpoint is in {run.folder}") from error
