"""Training of a task from its first step to the final report, whether it is new or resumed."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from sandlot.supervised.fitting.fit import fit
from sandlot.supervised.fitting.learning import evaluate_on_test
from sandlot.supervised.tasks.base import Task
from sandlot.tracking import Run
from sandlot.tracking.common.intervals import Interval
from sandlot.tracking.common.progress_bar import ProgressBar
from sandlot.tracking.common.terminal import lasting_console

from .progress import ended_in_order
from .table import format_metrics, number, print_table, speed_in, where_wandb_is


def fit_and_report(task: Task, run: Run, begin: float) -> None:
    """Train `task` by the run's config, evaluate it on the test split, and print the report.

    `begin` is when the program started, on `time.perf_counter`'s clock.
    """
    console = lasting_console()
    for place in task.unreadable[:3]:
        console.print(f"skipped unreadable image: {place}")
    if len(task.unreadable) > 3:
        console.print(f"… and {len(task.unreadable) - 3} more")
    if task.split is not None and task.split.duplicates:
        console.print(f"dropped {task.split.duplicates:,} rows that the test or validation split has too")
    steps, monitored = run.config["steps"], task.monitor.metric if task.monitor else "step"
    with run, ended_in_order(run, console, lambda: task.step):
        first_step, trained = task.step, time.perf_counter()
        with ProgressBar(console, f"{task.name} {task.source['name']}", steps, monitored) as bar:
            fit(task, steps, run=run, progress=bar.update)
        trained = time.perf_counter() - trained
        speed = (task.step - first_step) / trained
        metrics, interval, plots = evaluate_on_test(task, run)
        notes = task.notes(metrics)
        run.finish(
            {
                "status": "finished",
                "step": task.step,
                **({"training_seconds": trained, "steps_per_second": speed} if speed else {}),
                "best": task.best._asdict() if task.best else None,
                "test": metrics,
                **({"notes": notes} if notes else {}),
                **({"test_interval": interval} if interval else {}),
            }
        )
    report(console, task, run, one_line(task, metrics, interval), notes, plots, speed, time.perf_counter() - begin)


def report(
    console: Console,
    task: Task,
    run: Run,
    on_test: str,
    notes: Sequence[str],
    plots: Mapping[str, Path],
    speed: float,
    seconds: float,
) -> None:
    """Print the table at the end of a training."""
    best, monitor = task.best, task.monitor
    at_best = f"validation {monitor.metric} {number(best.value)} at step {best.step:,}" if best and monitor else ""
    rows: list[tuple[str, str | Path]] = [
        *([("test", on_test)] if on_test else []),
        *([("best", at_best)] if at_best else []),
        *(("note", note) for note in notes),
        ("steps", f"{task.step:,} at {speed_in(speed)} ({seconds:.1f} s in total)"),
        ("run", run.folder),
        *(
            [
                (
                    "curve",
                    run.curve
                    if run.curve.exists()
                    else "none: the validation split is empty, or the plot was not finished in time",
                )
            ]
            if monitor
            else []
        ),
        *([("plots", f"{next(iter(plots.values())).parent}: {', '.join(plots)}")] if plots else []),
        ("W&B", where_wandb_is(run)),
    ]
    print_table(console, rows)


def one_line(task: Task, metrics: Mapping[str, float], interval: Interval | None) -> str:
    """Return metrics in one line, without those of single classes, which are called "metric/class"."""
    shown = format_metrics(metrics, task.monitor.metric if task.monitor else "", interval)
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in shown.items() if "/" not in name)
