"""What a run says of its agent in `config.json`, so that every command can take it up."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandlot.tracking import Run, SandlotError, WandbOptions, is_wandb_run

from .training import CHECKPOINT_EVERY

if TYPE_CHECKING:
    from .base import Agent


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
            agent.learn(50_000, run=run)
            run.finish({"status": "finished"})
    """
    config = {**run_config(agent, steps, **training), **(more or {})}
    factory = agent.env_factory
    place = factory.name if factory else "unknown"
    name = name or f"{agent.name}-{place}-s{agent.seed}"
    return Run.create(Path(root), name, config, wandb=wandb, project=project, wandb_options=wandb_options)


@contextmanager
def recorded(
    agent: "Agent", run: Run | str | Path | None, steps: int, checkpoint_every: int | None
) -> Iterator[tuple[Run | None, int]]:
    """Yield the run to record a training in, and its env steps between checkpoints.

    A folder gets a new run, which is finished with the context; one that was given is left open, and its config
    is completed.
    """
    if isinstance(run, str | Path) or is_wandb_run(run):
        every = checkpoint_every or CHECKPOINT_EVERY
        place, wandb = (run, "auto") if isinstance(run, str | Path) else ("runs", run)
        with create_run(agent, place, steps=steps, wandb=wandb, checkpoint_every=every) as own:
            try:
                yield own, every
            except BaseException as error:
                if not own.summary:  # a callback's error has closed it already
                    status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
                    own.finish({"status": status, "env_step": agent.env_step, "error": str(error)})
                raise
            own.finish({"status": "finished", "env_step": agent.env_step, **agent.metrics()})
        return
    if run is None:
        yield None, checkpoint_every or CHECKPOINT_EVERY
        return
    training = run.config.get("training", {})
    every = checkpoint_every or training.get("checkpoint_every", CHECKPOINT_EVERY)
    known = run_config(agent, steps)
    training = {**known["training"], **training, "checkpoint_every": every}
    run.set_config({**known, **run.config, "steps": steps, "training": training})
    yield run, every


def setting(run: Run, *path: str) -> Any:
    """Return an entry of a run's config, or say that the run was made without what the commands need."""
    found: Any = run.config
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
        if found is None:
            raise SandlotError(
                f"{run.folder} does not say its {'.'.join(path)} in config.json; "
                'make runs by `sandlot train`, agent.learn(run="runs") or create_run(agent)'
            )
    return found
