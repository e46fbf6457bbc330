"""Registry of what the command line can train, by name, without heavy imports."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from sandlot.agents import AGENTS
from sandlot.agents.sb3 import ALGORITHMS
from sandlot.generative import MODELS
from sandlot.supervised import BASELINES, TASKS
from sandlot.tracking import Run, SandlotError, hint
from sandlot.tracking.checkpoint import restoring
from sandlot.tracking.common import extensions, recipes

PACKAGES = {"sandlot.supervised": TASKS, "sandlot.generative": MODELS}
"""Packages that register tasks."""
LISTING = """usage: sandlot train AGENT ENV …
       sandlot train TASK DATA …

agents, which learn in an environment:
{agents}
Stable-Baselines3's: {sb3}

tasks, which are fitted to data:
{tasks}
scikit-learn's: {sklearn}

`sandlot train NAME --help` shows the options, `sandlot train AGENT ENV --help` the values it would use.
"""


def listing() -> str:
    """Return the overview of agents, tasks and models."""
    tasks = {name: entry for package in PACKAGES.values() for name, entry in package.items()}
    width = max(map(len, (*AGENTS, *tasks)))

    def lines(entries: dict[str, tuple[str, str]]) -> str:
        return "".join(f"  {name:{width}} {what}\n" for name, (_, what) in entries.items())

    others = {"sb3": ", ".join(ALGORITHMS), "sklearn": ", ".join(BASELINES)}
    return LISTING.format(agents=lines(AGENTS), tasks=lines(tasks), **others)


def is_task(name: str) -> bool:
    """Return whether `name` is a task rather than an agent. Raises `SandlotError` if it is neither."""
    if name in BASELINES or any(name in tasks for tasks in PACKAGES.values()):
        return True
    if name in AGENTS or name in ALGORITHMS:
        return False
    if extensions.is_reference(name):
        return is_task_class(extensions.load_reference(name), name)
    if name in extensions.entry_points(extensions.TASKS):
        return True
    if name in extensions.entry_points(extensions.AGENTS):
        return False
    names = [*AGENTS, *(task for tasks in PACKAGES.values() for task in tasks), *ALGORITHMS, *BASELINES]
    raise SandlotError(f"there is no agent or task {name!r}; {hint(name, names)}")


def is_task_class(found: Any, name: str) -> bool:
    """Return whether a user's `module:Name` is a task rather than an agent."""
    from sandlot.agents.base import Agent
    from sandlot.supervised.tasks.base import Task

    if isinstance(found, type) and issubclass(found, Agent | Task):
        return issubclass(found, Task)
    raise SandlotError(
        f"{name} is {extensions.kind_of(found)}, and must be a subclass of sandlot.agents.Agent "
        "or sandlot.supervised.Task"
    )


def task_class(name: str) -> Any:
    """Return the class of the task called `name`."""
    if name in BASELINES:
        from sandlot.supervised.tasks.sklearn_models import sklearn_task

        return sklearn_task(name)
    for package, tasks in PACKAGES.items():
        if name in tasks:
            return getattr(import_module(package), tasks[name][0])
    from sandlot.supervised.tasks.base import Task

    reference = extensions.resolve(name, extensions.TASKS)
    if reference is None:
        raise SandlotError(f"there is no task {name!r}")
    cls = extensions.load_class(reference, Task)
    missing = sorted(getattr(cls, "__abstractmethods__", ()))
    if missing:
        raise SandlotError(f"the task {reference} must define {', '.join(missing)}")
    return cls


def what_task(name: str) -> str:
    """Return a short description of the task called `name`."""
    if name in BASELINES:
        return "a scikit-learn model"
    for tasks in PACKAGES.values():
        if name in tasks:
            return tasks[name][1]
    return (task_class(name).__doc__ or name).strip().splitlines()[0].rstrip(".")


def is_generative(name: str | None) -> bool:
    """Return whether `name` is a generative model."""
    return name in MODELS or (
        name is not None and extensions.is_reference(name) and hasattr(task_class(name), "sample_prior")
    )


def short_name(data: str) -> str:
    """Return the last part of a data set's name or path."""
    return data.rstrip("/").rsplit("/", 1)[-1]


def recipe_of(name: str, data: str) -> dict[str, Any]:
    """Return the recipe of a task for data, by the last part of its name; empty if there is none."""
    return recipes.recipe("sandlot.generative.recipes", name, short_name(data)) if name in MODELS else {}


def task_of(run: Run) -> str | None:
    """Return the name of the task of a run, if it is not one of an agent."""
    return run.config.get("task")


def load_task(run: Run, step: int | None = None, *, learning: bool = False, with_data: bool = True) -> Any:
    """Load a run's task from the checkpoint of `step`: by default the best, or the newest to resume from.

    With its data, which is read again, or without.
    """
    folder, checkpoint = run.checkpoint(step)
    with restoring(folder):
        best = checkpoint.state.get("best")
        if step is None and not learning and best and best["step"] != checkpoint.state["step"]:
            folder, checkpoint = run.checkpoint(best["step"])
        if with_data and "data" not in run.config:
            raise SandlotError(f"{run.folder} does not say its data in config.json")
        data = read_data(run.config["data"], run.config, run.folder.parent) if with_data else None
        return task_class(run.config["task"]).restore(checkpoint, data)


def read_data(name: str, record: Mapping[str, Any], runs: Path) -> Any:
    """Collect the frames of an environment for env:ID or run:RUN; return any other `name` as it is."""
    kind, _, which = name.partition(":")
    if kind not in ("env", "run") or not which:
        return name
    from sandlot.agents.observation_dataset import frames_of
    from sandlot.envs import EnvSpec

    if kind == "env":
        return frames_of(EnvSpec(which, record["env_kwargs"]), record["frames"], seed=record["seed"])
    from sandlot.agents.loading import load_agent
    from sandlot.agents.run_config import setting

    player = Run.find(runs, which)
    if task_of(player):
        raise SandlotError(f"{player.folder} is a run of {task_of(player)}, which does not play")
    env_spec = EnvSpec.from_json(setting(player, "env"))
    return frames_of(env_spec, record["frames"], seed=record["seed"], agent=load_agent(player))


def encoding_of(run: Run) -> Any:
    """Return the encoder of a run's task or agent, for another task to start from."""
    if task_of(run):
        task = load_task(run, with_data=False)
        if not hasattr(task, "trained_encoder"):
            raise SandlotError(f"a {task.name} has no encoder that another task could start from")
        return task.trained_encoder()
    from sandlot.agents.encoder_transfer import encoding_of as encoding_of_agent
    from sandlot.agents.loading import load_agent

    return encoding_of_agent(load_agent(run))
