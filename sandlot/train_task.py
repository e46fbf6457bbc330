"""`sandlot train TASK DATA`: fit a task to data, track it, and say how it went."""

import dataclasses
import time
from typing import Any

import tyro

from tracking import IMAGES, STEP, VALIDATION, Run, SandlotError, require

from .catalogue import encoding_of, task_class, what_task
from .options import Fit


def main(words: list[str]) -> None:
    """Do what `words`, which begin with the task's name, say."""
    begin = time.perf_counter()
    kind = task_class(words[0])
    options, config = parse(words[0], kind.Config, words[1:])
    require(options.seed >= 0, "--seed must be at least 0", options.seed)
    from supervised.fit import planned_steps

    from .task_session import fit_and_report

    task = kind(options.data, seed=options.seed, config=config, **start(options, kind))
    finding = find_rate(task) if options.find_learning_rate else None
    record = {
        "task": task.name,
        "data": options.data,
        **({"from": options.from_run} if options.from_run else {}),
        "seed": options.seed,
        "axis": STEP,
        **({"goal": f"{VALIDATION}{task.goal.measure}"} if task.goal else {}),
        "steps": planned_steps(task, task.loader()),
        "config": dataclasses.asdict(task.config),
    }
    name = f"{task.name}-{task.source['name'].rstrip('/').rsplit('/', 1)[-1]}-s{options.seed}"
    run = Run.create(options.runs_dir, name, record, wandb=options.wandb, project=options.project)
    if finding is not None:
        record_finding(finding, run)
    fit_and_report(task, run, begin)


def start(options: Fit, kind: Any) -> dict[str, Any]:
    """Return the encoder to start from, if one is asked for, as an argument for the task."""
    if options.from_run is None:
        return {}
    if not hasattr(kind, "encoding"):
        raise SandlotError(f"a {kind.name} can't start --from another run")
    return {"start": encoding_of(Run.find(options.runs_dir, options.from_run))}


def find_rate(task: Any) -> Any:
    """Find a learning rate, and build `task` anew with it."""
    from supervised.finder import find_learning_rate

    finding = find_learning_rate(task)
    task.rebuild(learning_rate=finding.best)
    return finding


def record_finding(finding: Any, run: Run) -> None:
    """Draw and log how the learning rate was found."""
    from supervised.finder import draw_finding

    path = run.folder / IMAGES / "learning-rate.png"
    draw_finding(path, finding)
    run.log_media("learning_rate", path, 0)


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
