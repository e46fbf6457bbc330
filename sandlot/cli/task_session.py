"""A fitting from its first step to the table at its end, whether it is new or resumed."""

import time
from collections.abc import Mapping
from pathlib import Path

import torch
from rich.console import Console

from sandlot.supervised.fitting.fit import fit
from sandlot.supervised.tasks.base import Task
from sandlot.tracking import IMAGES, TEST, Run
from sandlot.tracking.common.intervals import Interval
from sandlot.tracking.common.progress_bar import ProgressBar

from .progress import ended_in_order
from .table import number, print_table, speed_in, told, where_wandb_is


def fit_and_report(task: Task, run: Run, begin: float) -> None:
    """Fit `task` as the run's config says, measure it on the test, and print where everything is.

    `begin` is when the program started, on `time.perf_counter`'s clock.
    """
    console = Console()
    for place in task.left_out[:3]:
        console.print(f"left out, as it can't be read: {place}")
    if len(task.left_out) > 3:
        console.print(f"… and {len(task.left_out) - 3} more")
    if task.split is not None and task.split.copies:
        console.print(f"left out, as the test or validation has the same: {task.split.copies:,} rows")
    steps, judged_by = run.config["steps"], task.monitor.measure if task.monitor else "step"
    with run, ended_in_order(run, console, lambda: task.step):
        first_step, trained = task.step, time.perf_counter()
        with ProgressBar(console, f"{task.name} {task.source['name']}", steps, judged_by) as bar:
            fit(task, steps, run=run, progress=bar.update)
        trained = time.perf_counter() - trained
        speed = (task.step - first_step) / trained
        measures, spread, pictures = examine(task, run)
        run.finish(
            {
                "status": "finished",
                "step": task.step,
                "training_seconds": trained,
                "steps_per_second": speed,
                "best": task.best._asdict() if task.best else None,
                "test": measures,
                **({"test_interval": spread} if spread else {}),
            }
        )
    report(console, task, run, judgement(task, measures, spread), pictures, speed, time.perf_counter() - begin)


def report(
    console: Console,
    task: Task,
    run: Run,
    judged: str,
    pictures: Mapping[str, Path],
    speed: float,
    seconds: float,
) -> None:
    """Print the table at the end of a fitting."""
    best, monitor = task.best, task.monitor
    at_best = f"validation {monitor.measure} {number(best.value)} at step {best.step:,}" if best and monitor else ""
    rows: list[tuple[str, str | Path]] = [
        *([("test", judged)] if judged else []),
        *([("best", at_best)] if at_best else []),
        ("steps", f"{task.step:,} at {speed_in(speed)} ({seconds:.1f} s in all)"),
        ("run", run.folder),
        *(
            [
                (
                    "curve",
                    run.curve
                    if run.curve.exists()
                    else "none: there were no rows for the validation, or it was not drawn in time",
                )
            ]
            if monitor
            else []
        ),
        *([("pictures", f"{next(iter(pictures.values())).parent}: {', '.join(pictures)}")] if pictures else []),
        ("W&B", where_wandb_is(run)),
    ]
    print_table(console, rows)


def examine(task: Task, run: Run) -> tuple[dict[str, float], Interval | None, dict[str, Path]]:
    """Measure and draw how well `task` does on the rows of the test, if there are any, and log that."""
    part = task.part("test")
    if not len(part):
        return {}, None, {}
    measures = task.evaluate("test")
    spread = task.interval(measures)
    run.log({f"{TEST}{name}": value for name, value in measures.items()}, task.step)
    with torch.no_grad():
        pictures = task.draw(part, run.folder / IMAGES)
    for name, path in pictures.items():
        run.log_media(name, path, task.step)
    return measures, spread, pictures


def judgement(task: Task, measures: Mapping[str, float], spread: Interval | None) -> str:
    """Return measures as one line, without those of single classes, which are called "measure/class"."""
    words = told(measures, task.monitor.measure if task.monitor else "", spread)
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in words.items() if "/" not in name)
