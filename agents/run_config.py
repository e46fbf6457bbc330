"""What a run says of its agent in `config.json`, so that every command can take it up."""

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandlot.tracking import Run, SandlotError, WandbOptions, is_wandb_run, require
from sandlot.tracking.common.foreign_names import foreign_hint

from .training import CHECKPOINT_EVERY

if TYPE_CHECKING:
    from .base import Agent
    from .callbacks import Callback, EvaluationCallback

VIDEO_EVERY = 100_000
"""Env steps between films of a run, if nothing else is said."""


def run_config(
    agent: "Agent",
    steps: int,
    *,
    checkpoint_every: int = CHECKPOINT_EVERY,
    video_every: int = 0,
    video_overlay: bool = False,
    evaluation_episodes: int = 100,
    evaluation_seconds: float | None = None,
) -> dict[str, Any]:
    """Return the config of a run that trains `agent`: what `sandlot train` writes."""
    factory = agent.env_factory
    return {
        "agent": agent.name,
        "env": factory.env_spec.to_json() if factory and factory.env_spec else None,
        "seed": agent.seed,
        "steps": steps,
        "training": {
            "checkpoint_every": checkpoint_every,
            "video_every": video_every,
            "video_overlay": video_overlay,
            "evaluation_episodes": evaluation_episodes,
            "evaluation_seconds": evaluation_seconds,
        },
        "config": dataclasses.asdict(agent.config),
    }


def create_run(
    agent: "Agent",
    root: str | Path = "runs",
    *,
    steps: int,
    name: str | None = None,
    wandb: Any = "auto",
    project: str | None = None,
    wandb_options: WandbOptions | None = None,
    more: dict[str, Any] | None = None,
    **training: Any,
) -> Run:
    """Create the run of an agent, as `sandlot train` does, so that every command accepts it.

    Args:
        agent: Who will be trained.
        root: The folder that runs are in.
        steps: Env steps to train for.
        name: What the run is called; by default after the agent, its environment and its seed.
        wandb: Whether to mirror it to Weights & Biases: "auto" (online if you are logged in, else offline), "online",
            "offline" or "disabled"; or a W&B run of yours, such as `wandb.run`, to log to.
        project: The W&B project; by default WANDB_PROJECT, else "sandlot".
        wandb_options: How it is shown at W&B: group, tags, notes, ….
        more: Further entries of `config.json`.
        training: `checkpoint_every`, `video_every`, `video_overlay` and `evaluation_episodes`, as for `sandlot train`.

    Example:
        agent = PPO("CartPole-v1")
        with create_run(agent, steps=50_000) as run:
            agent.learn(50_000, record=run)
            run.finish({"status": "finished"})
    """
    config = {**run_config(agent, steps, **training), **(more or {})}
    factory = agent.env_factory
    place = factory.name if factory else "unknown"
    name = name or f"{agent.name}-{place}-s{agent.seed}"
    return Run.create(Path(root), name, config, wandb=wandb, project=project, wandb_options=wandb_options)


def total_steps(done: int, steps: int | None, until: int | None, unknown: Mapping[str, object]) -> int:
    """Return the env steps that `learn` trains until, after `done`: `steps` more of them, or `until` in all."""
    for name in unknown:
        raise SandlotError(f"learn has no argument {name!r}; {foreign_hint(name) or 'it takes steps or until'}")
    if (steps is None) == (until is None):
        raise SandlotError(
            "learn takes either steps to add, as in learn(10_000), or a total, as in learn(until=20_000)"
        )
    given = steps if until is None else until
    assert given is not None
    if isinstance(given, bool) or given != int(given):
        raise SandlotError(f"steps must be a whole number, not {given!r}")
    require(given >= 1, "steps must be at least 1", given)
    return int(given) + (done if until is None else 0)


@contextmanager
def recorded(
    agent: "Agent", record: Run | str | Path | None, steps: int, checkpoint_every: int | None, progress: bool
) -> Iterator[tuple[Run | None, int, "list[Callback]"]]:
    """Yield the run to record a training in, its env steps between checkpoints, and the callbacks that add to it.

    A folder gets a new run, which is finished with the context; one that was given is left open, and its config
    is completed.
    """
    bar: list[Callback] = []
    if progress:
        from .callbacks import ProgressBarCallback

        bar.append(ProgressBarCallback())
    if isinstance(record, str | Path) or is_wandb_run(record):
        every = checkpoint_every or CHECKPOINT_EVERY
        place, wandb = (record, "auto") if isinstance(record, str | Path) else ("runs", record)
        new = create_run(agent, place, steps=steps, wandb=wandb, checkpoint_every=every, video_every=VIDEO_EVERY)
        with new as own:
            evaluation, recording = _recording(agent)
            try:
                yield own, every, [*bar, *recording]
            except BaseException as error:
                if not own.summary:  # a callback's error has closed it already
                    status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
                    own.finish({"status": status, "env_step": agent.env_step, "error": str(error)})
                raise
            result = {"evaluation": evaluation.latest.to_json()} if evaluation and evaluation.latest else {}
            own.finish({"status": "finished", "env_step": agent.env_step, **agent.metrics(), **result})
        return
    if record is None:
        yield None, checkpoint_every or CHECKPOINT_EVERY, bar
        return
    training = record.config.get("training", {})
    every = checkpoint_every or training.get("checkpoint_every", CHECKPOINT_EVERY)
    known = run_config(agent, steps)
    training = {**known["training"], **training, "checkpoint_every": every}
    record.set_config({**known, **record.config, "steps": steps, "training": training})
    yield record, every, bar


def _recording(agent: "Agent") -> "tuple[EvaluationCallback | None, list[Callback]]":
    """Return what `sandlot train` adds to a run: an evaluation at the end, a picture, films."""
    from .callbacks import EvaluationCallback, PlotCallback, VideoCallback

    if agent.env_factory is None or agent.env_factory.env_spec is None:  # an object can't be made a second time
        return None, [PlotCallback()]
    evaluation = EvaluationCallback(agent.env_factory.env_spec.playable(), every=0, episodes=100)
    return evaluation, [evaluation, PlotCallback(), VideoCallback(VIDEO_EVERY)]


def setting(run: Run, *path: str) -> Any:
    """Return an entry of a run's config, or say that the run was made without what the commands need."""
    found: Any = run.config
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
        if found is None:
            raise SandlotError(
                f"{run.folder} does not say its {'.'.join(path)} in config.json; "
                'make runs by `sandlot train` or agent.learn(…, record="runs")'
            )
    return found
