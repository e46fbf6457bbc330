"""`sandlot train TASK DATA`: fit a task to data, track it, and say how it went."""

import dataclasses
import time
from pathlib import Path
from typing import Any

import tyro

from sandlot.tracking import IMAGES, STEP, VALIDATION, Run, SandlotError, json_object, require
from sandlot.tracking.common import recipes

from .options import Fit
from .parsing import parse_together
from .registry import encoding_of, read_data, recipe_of, short_name, task_class, what_task


def main(words: list[str]) -> None:
    """Do what `words`, which begin with the task's name, say."""
    begin = time.perf_counter()
    kind = task_class(words[0])
    options, config = parse(words[0], kind.Config, words[1:])
    require(options.seed >= 0, "--seed must be at least 0", options.seed)
    from sandlot.supervised.fitting.fit import planned_steps

    from .task_session import fit_and_report

    collecting = collected(options)
    data = read_data(options.data, collecting, options.runs_dir)
    task = kind(data, seed=options.seed, config=config, **start(options, kind))
    finding = find_rate(task) if options.find_learning_rate else None
    record = {
        "task": task.name,
        "data": options.data,
        **({"from": options.from_run} if options.from_run else {}),
        **collecting,
        "axis": STEP,
        **({"goal": f"{VALIDATION}{task.monitor.measure}"} if task.monitor else {}),
        "steps": planned_steps(task, task.loader()),
        "config": dataclasses.asdict(task.config),
    }
    name = f"{task.name}-{short_name(options.data)}-s{options.seed}"
    run = Run.create(options.runs_dir, name, record, wandb=options.wandb, project=options.project)
    if finding is not None:
        record_finding(finding, run)
    fit_and_report(task, run, begin)


def collected(options: Fit) -> dict[str, Any]:
    """Return how frames of an environment are collected, if the data are such."""
    seed = {"seed": options.seed}
    if not options.data.startswith(("env:", "run:")):
        return seed
    return {**seed, "frames": options.frames, "env_kwargs": json_object("--env-kwargs", options.env_kwargs)}


def start(options: Fit, kind: Any) -> dict[str, Any]:
    """Return the encoder to start from, if one is asked for, as an argument for the task."""
    if options.from_run is None:
        return {}
    if not hasattr(kind, "encoding"):
        raise SandlotError(f"a {kind.name} can't start --from another run")
    from sandlot.supervised.transfer.pretrained import is_pretrained, read_pretrained

    if (folder := Path(options.from_run)).is_dir() and is_pretrained(folder):
        return {"start": read_pretrained(folder)}
    return {"start": encoding_of(Run.find(options.runs_dir, options.from_run))}


def find_rate(task: Any) -> Any:
    """Find a learning rate, and build `task` anew with it."""
    from sandlot.supervised.fitting.lr_finder import find_learning_rate

    finding = find_learning_rate(task)
    task.rebuild(learning_rate=finding.best)
    return finding


def record_finding(finding: Any, run: Run) -> None:
    """Draw and log how the learning rate was found."""
    from sandlot.supervised.fitting.lr_finder import draw_finding

    path = run.folder / IMAGES / "learning-rate.png"
    draw_finding(path, finding)
    run.log_media("learning_rate", path, 0)


def parse(name: str, config: type, words: list[str], command: str = "train") -> tuple[Fit, Any]:
    """Return the options and the task's config. Flags beat the recipe for the data, which beats defaults."""
    found = recipe_of(name, words[0]) if words and not words[0].startswith("-") else {}
    parts = [("fit", Fit, Fit(data=tyro.MISSING)), ("task", config, recipes.applied(config, found))]
    described = f"Fit a task to data: {name} {what_task(name)}."
    if found:
        described += f" The defaults shown are those of the recipe for {words[0]}."
    parsed = parse_together(parts, words, f"sandlot {command} {name}", described)
    return parsed.fit, parsed.task
