"""A progress bar in the terminal."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from .numbers import number


class ProgressBar:
    """Show a training's progress, speed and latest metric."""

    def __init__(self, console: Console, name: str, steps: int, metric: str):
        columns = (SpinnerColumn(), TextColumn("[bold]{task.description}"), BarColumn(), MofNCompleteColumn())
        figures = TextColumn(f"{{task.fields[speed]}} steps/s  {metric} {{task.fields[latest]}}")
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
