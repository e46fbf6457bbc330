"""The training loop. It knows no algorithm."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable

import numpy as np

from sandlot.envs import EnvFactory, Episodes, Observation, Step
from sandlot.tracking import (
    RETURN,
    RETURN_HIGH,
    RETURN_LOW,
    MetricLogger,
    Run,
    Stopped,
    StopSignals,
    derived_seed,
    require,
    seed_everything,
)

LOGS_PER_RUN = 200
Progress = Callable[[int, float | None], None]
"""Told the env step and the latest mean return, now and then."""
OnCheckpoint = Callable[[int], None]
"""Told the env step of each checkpoint."""


@runtime_checkable
class Trainable(Protocol):
    """What the loop asks of all that it trains."""

    env_step: int

    def thread_context(self) -> AbstractContextManager[None]: ...
    def prepare(self, steps: int) -> None: ...
    def train_segment(self, steps: int, end: int, metric_logger: "EpisodeLogger", stop: StopSignals) -> None: ...
    def tensors(self) -> dict[str, np.ndarray]: ...
    def state(self) -> dict[str, Any]: ...
    def experience(self) -> dict[str, np.ndarray]: ...


@runtime_checkable
class Learning(Protocol):
    """What a segment asks of an agent."""

    seed: int
    env_step: int
    progress: float
    env_factory: EnvFactory | None

    def reset(self, observation: Observation, seed: int) -> None: ...
    def exploration_action(self) -> np.ndarray: ...
    def observe(self, step: Step) -> Mapping[str, float] | None: ...
    def metrics(self) -> dict[str, float]: ...


def train(
    agent: Trainable,
    steps: int,
    *,
    run: Run | None = None,
    checkpoint_every: int = 50_000,
    progress: Progress | None = None,
    on_checkpoint: OnCheckpoint | None = None,
) -> None:
    """Train `agent` until `steps` env steps in all, with the record in `run`.

    Training is a chain of segments. Each starts in new environments, with every random generator seeded from
    the run's seed and the env step, and ends in a checkpoint; so a run that is resumed from a checkpoint does
    what it would have done. Ctrl-C, or a SIGTERM, ends a recorded training with `Stopped`, after a checkpoint.
    """
    require(steps >= 1, "steps must be at least 1", steps)
    require(checkpoint_every >= 1, "checkpoint_every must be at least 1", checkpoint_every)
    metric_logger = EpisodeLogger(run, max(1, steps // LOGS_PER_RUN), progress)
    agent.prepare(steps)

    def save() -> None:
        if run is not None:
            run.save(agent.env_step, agent.tensors(), agent.state(), agent.experience())
            if on_checkpoint is not None:
                on_checkpoint(agent.env_step)

    if agent.env_step == 0:
        save()
    with agent.thread_context(), StopSignals(run is not None) as stop:
        while agent.env_step < steps:
            end = (agent.env_step // checkpoint_every + 1) * checkpoint_every
            agent.train_segment(steps, end if run is not None else steps, metric_logger, stop)
            save()
            if stop.received is not None:
                raise Stopped(stop.received)
    if progress is not None:
        progress(agent.env_step, metric_logger.latest)


def train_segment(agent: Learning, steps: int, end: int, metric_logger: "EpisodeLogger", stop: StopSignals) -> None:
    """Train in new environments up to the first update at or after env step `end`, or until `steps`."""
    assert agent.env_factory is not None, "an agent without environments can't train"
    seed = derived_seed(agent.seed, agent.env_step)
    seed_everything(seed)
    envs = agent.env_factory.batch()
    try:
        agent.progress = agent.env_step / steps
        agent.reset(envs.reset(seed), seed)
        while agent.env_step < steps and stop.received is None:
            step = envs.step(agent.exploration_action())
            agent.env_step += int(step.valid.sum())
            agent.progress = min(agent.env_step / steps, 1.0)
            metrics = agent.observe(step)
            metric_logger.add(step.episodes)
            if metrics is not None:
                metric_logger.note(agent.env_step, metrics, agent.metrics)
                if agent.env_step >= end:
                    break
    finally:
        agent.env_factory.release(envs)


class EpisodeLogger(MetricLogger):
    """Gather the episodes that end between two rows of metrics."""

    def __init__(self, run: Run | None, every: int, progress: Progress | None):
        super().__init__(run, every, "time/env_steps_per_second")
        self.progress = progress
        self.returns: list[float] = []
        self.lengths: list[int] = []
        self.latest: float | None = None

    def add(self, episodes: Episodes | None) -> None:
        """Take in the episodes that ended with a step, if any did."""
        if episodes is not None:
            self.returns += episodes.returns.tolist()
            self.lengths += episodes.lengths.tolist()

    def note(self, env_step: int, metrics: Mapping[str, float], figures: Callable[[], dict[str, float]] = dict) -> None:
        """Log a row, if one is due, with the `figures` of the agent, which take time to find."""
        if not self.is_due(env_step):
            return
        row = dict(metrics)
        if self.returns:
            self.latest = float(np.mean(self.returns))
            row[RETURN] = self.latest
            row[RETURN_LOW], row[RETURN_HIGH] = min(self.returns), max(self.returns)
            row["episode/length"] = float(np.mean(self.lengths))
            row["episode/count"] = len(self.returns)
            self.returns, self.lengths = [], []
        self.write(env_step, {**row, **figures()})
        if self.progress is not None:
            self.progress(env_step, self.latest)
