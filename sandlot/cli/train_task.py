"""`sandlot train TASK DATA`: train a task on data, record the run, and report the result."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from sandlot.tracking import IMAGES, Run, SandlotError, json_object, require
from sandlot.tracking.common import recipes

from .options import Fit
from .parsing import parse_together
from .registry import encoding_of, read_data, recipe_of, short_name, task_class, what_task
from .sweep_arguments import from_sweep

if TYPE_CHECKING:
    from sandlot.supervised import Task
    from sandlot.supervised.fitting.lr_finder import RangeTest


def main(args: list[str]) -> None:
    """Run the command: `args` begin with the task's name."""
    begin = time.perf_counter()
    kind = task_class(args[0])
    options, config = parse(args[0], kind.Config, args[1:])
    require(options.seed >= 0, "--seed must be at least 0", options.seed)
    from sandlot.supervised.fitting.fit import planned_steps
    from sandlot.supervised.fitting.learning import run_config

    from .task_session import fit_and_report

    collection = frame_collection(options)
    data = read_data(options.data, collection, options.runs_dir)
    task = kind(data, seed=options.seed, config=config, **encoder_to_start_from(options, kind))
    test = run_range_test(task) if options.find_learning_rate else None
    steps = planned_steps(task, task.loader())
    task.prepare(steps)  # refuses what can't be trained before there is a run
    more = {**({"from": options.from_run} if options.from_run else {}), **collection}
    record = run_config(task, options.data, steps, **more)
    name = f"{task.name}-{short_name(options.data)}-s{options.seed}"
    run = Run.create(options.runs_dir, name, record, wandb=options.wandb, wandb_options=options.wandb_options())
    if test is not None:
        record_range_test(test, run)
    fit_and_report(task, run, begin)


def frame_collection(options: Fit) -> dict[str, Any]:
    """Return the record of how frames are collected, if the data are frames of an environment."""
    seed = {"seed": options.seed}
    if not options.data.startswith(("env:", "run:")):
        return seed
    return {**seed, "frames": options.frames, "env_kwargs": json_object("--env-kwargs", options.env_kwargs)}


def encoder_to_start_from(options: Fit, kind: "type[Task]") -> dict[str, Any]:
    """Return the encoder of `--from`, if given, as an argument for the task."""
    if options.from_run is None:
        return {}
    if not hasattr(kind, "trained_encoder"):
        raise SandlotError(f"a {kind.name} can't start --from another run")
    from sandlot.supervised.transfer.pretrained_models import is_pretrained, load_pretrained

    if (folder := Path(options.from_run)).is_dir() and is_pretrained(folder):
        return {"start": load_pretrained(folder)}
    return {"start": encoding_of(Run.find(options.runs_dir, options.from_run))}


def run_range_test(task: "Task") -> "RangeTest":
    """Find a learning rate with a range test, and rebuild `task` with it."""
    from sandlot.supervised.fitting.lr_finder import find_learning_rate

    test = find_learning_rate(task)
    task.rebuild(learning_rate=test.suggestion)
    return test


def record_range_test(test: "RangeTest", run: Run) -> None:
    """Plot and log the learning rate range test."""
    from sandlot.supervised.fitting.lr_finder import plot_range_test

    path = run.folder / IMAGES / "learning-rate.png"
    plot_range_test(path, test)
    run.log_media("learning_rate", path, 0)


def parse(name: str, config: type, args: list[str], command: str = "train") -> tuple[Fit, Any]:
    """Return the options and the task's config. Flags override the recipe for the data, which overrides defaults."""
    args = from_sweep(args, [Fit, config])
    recipe = recipe_of(name, args[0]) if args and not args[0].startswith("-") else {}
    parts = [("fit", Fit, Fit(data=tyro.MISSING)), ("task", config, recipes.applied(config, recipe))]
    described = f"Train on a data set. {name}: {what_task(name)}."
    if recipe:
        described += f" Defaults are those of the recipe for {args[0]}."
    parsed = parse_together(parts, args, f"sandlot {command} {name}", described)
    return parsed.fit, parsed.task
