"""What `Task.learn` does: so many more epochs, with a record if one is asked for."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from sandlot.tracking import IMAGES, STEP, TEST, VALIDATION, Run, SandlotError, require
from sandlot.tracking.common.foreign_names import foreign_hint
from sandlot.tracking.common.intervals import Interval

from .fit import fit

if TYPE_CHECKING:
    from sandlot.supervised.tasks.base import Task


def learn(
    task: "Task", epochs: int | None, until: int | None, record: Run | str | Path | None, unknown: Mapping[str, object]
) -> None:
    """Train `task` for `epochs` more, or `until` as many in all; by default the config's, more."""
    for name in unknown:
        raise SandlotError(f"learn has no argument {name!r}; {foreign_hint(name) or 'it takes epochs or until'}")
    if epochs is not None and until is not None:
        raise SandlotError("learn takes either epochs to add, as in learn(5), or a total, as in learn(until=10)")
    per_epoch, given = task.loader().steps_per_epoch, epochs if until is None else until
    given = task.config.epochs if given is None else given
    require(given >= 1, "epochs must be at least 1", given)
    steps = given * per_epoch + (task.step if until is None else 0)
    if steps <= task.step:
        return
    if task.config.patience and task.validations_since_best >= task.config.patience:
        task.validations_since_best = 0  # a new call is new patience
    if not isinstance(record, str | Path):
        task.run = record
        fit(task, steps, run=record)
        return
    name = f"{task.name}-{Path(task.source['name']).name}-s{task.seed}"
    with Run.create(Path(record), name, run_config(task, task.data_name or task.source["name"], steps)) as run:
        task.run = run
        try:
            fit(task, steps, run=run)
            test, interval, _ = evaluate_on_test(task, run)
        except BaseException as error:
            status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            run.finish({"status": status, "step": task.step, "error": str(error)})
            raise
        best = task.best._asdict() if task.best else None
        spread = {"test_interval": interval} if interval else {}
        run.finish({"status": "finished", "step": task.step, "best": best, "test": test, **spread})


def run_config(task: "Task", data: str, steps: int, **more: object) -> dict[str, object]:
    """Return the config of a run that trains `task` on `data`: what `sandlot train` writes."""
    return {
        "task": task.name,
        "data": data,
        "seed": task.seed,
        **more,
        "axis": STEP,
        **({"monitor": f"{VALIDATION}{task.monitor.metric}"} if task.monitor else {}),
        "steps": steps,
        "config": dataclasses.asdict(task.config),
    }


def evaluate_on_test(task: "Task", run: Run) -> tuple[dict[str, float], Interval | None, dict[str, Path]]:
    """Evaluate `task` on the test split, if it has rows, and log metrics and plots."""
    test = task.subset("test")
    if not len(test):
        return {}, None, {}
    metrics = task.evaluate("test")
    interval = task.interval(metrics)
    run.log({f"{TEST}{name}": value for name, value in metrics.items()}, task.step)
    with torch.no_grad():
        plots = task.plot_evaluation(test, run.folder / IMAGES)
    for name, path in plots.items():
        run.log_media(name, path, task.step)
    return metrics, interval, plots
