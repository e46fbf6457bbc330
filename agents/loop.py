"""The training loop. It knows no algorithm."""

from typing import TYPE_CHECKING

from sandlot.agents.callbacks.base import Callbacks
from sandlot.tracking import Run, derived_seed, seed_everything

from .training import CHECKPOINT_EVERY, Training

if TYPE_CHECKING:
    from .base import Agent


def train(
    agent: "Agent",
    steps: int,
    *,
    run: Run | None = None,
    callback: Callbacks = None,
    checkpoint_every: int = CHECKPOINT_EVERY,
) -> Training:
    """Train `agent` until `steps` env steps in all, with the record in `run`; return how it went.

    Training is a chain of segments. Each starts in new environments, with every random generator seeded from
    the run's seed and the env step, and ends in a checkpoint; so a run that is resumed from a checkpoint does
    what it would have done. Ctrl-C, or a SIGTERM, ends a recorded training with `Stopped`, after a checkpoint.
    """
    training = Training(agent, steps, run, callback, checkpoint_every)
    agent.prepare(steps)
    with training, agent.thread_context(), training.signals:
        training.start()
        while agent.env_step < steps and not training.stopped:
            agent.train_segment(training, training.segment_end())
            training.save()
    return training


def train_segment(agent: "Agent", training: Training, end: int) -> None:
    """Train in new environments up to the first update at or after env step `end`, or until the training ends."""
    assert agent.env_factory is not None, "an agent without environments can't train"
    seed = derived_seed(agent.seed, agent.env_step)
    seed_everything(seed)
    envs, steps, watched = agent.env_factory.batch(), training.steps, training.watches_steps
    progress = agent.training_progress
    try:
        progress.fraction = progress.env_step / steps
        agent.reset(envs.reset(seed), seed)
        while progress.env_step < steps and not training.stopped:
            step = envs.step(agent.exploration_action())
            progress.env_step += int(step.valid.sum())
            progress.fraction = min(progress.env_step / steps, 1.0)
            metrics = agent.observe(step)
            training.episodes.add(step.episodes)
            if watched:
                training.record_step(step)
            if metrics is not None:
                training.record_update(progress.env_step, metrics, agent.metrics)
                if progress.env_step >= end:
                    break
    finally:
        agent.env_factory.release(envs)
