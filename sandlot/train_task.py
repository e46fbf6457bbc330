"""`sandlot train TASK DATA`: fit a task to data, track it, and say how it went."""

import dataclasses
import time
from typing import Any

import tyro

from tracking import STEP, VALIDATION, Run, require

from .catalogue import task_class, what_task
from .options import Fit


def main(words: list[str]) -> None:
    """Do what `words`, which begin with the task's name, say."""
    begin = time.perf_counter()
    kind = task_class(words[0])
    options, config = parse(words[0], kind.Config, words[1:])
    require(options.seed >= 0, "--seed must be at least 0", options.seed)
    from supervised.fit import planned_steps

    from .task_session import fit_and_report

    task = kind(options.data, seed=options.seed, config=config)
    record = {
        "task": task.name,
        "data": options.data,
        "seed": options.seed,
        "axis": STEP,
        **({"goal": f"{VALIDATION}{task.goal.measure}"} if task.goal else {}),
        "steps": planned_steps(task, task.loader()),
        "config": dataclasses.asdict(task.config),
    }
    name = f"{task.name}-{task.source['name'].rstrip('/').rsplit('/', 1)[-1]}-s{options.seed}"
    run = Run.create(options.runs_dir, name, record, wandb=options.wandb, project=options.project)
    fit_and_report(task, run, begin)


def parse(name: str, config: type, words: list[str], command: str = "train") -> tuple[Fit, Any]:
    """Return the options and the task's config."""
    fields = [("fit", Fit, Fit(data=tyro.MISSING)), ("task", config, config())]
    both = dataclasses.make_dataclass(
        "Both", [(key, kind, dataclasses.field(default=value)) for key, kind, value in fields]
    )
    described = f"Fit a task to data: {name} {what_task(name)}."
    parsed = tyro.cli(
        tyro.conf.OmitArgPrefixes[both], args=words, prog=f"sandlot {command} {name}", description=described
    )
    return parsed.fit, parsed.task
