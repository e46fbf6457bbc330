"""The training loop. It knows no algorithm."""

import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any, Protocol, runtime_checkable

import numpy as np

from envs import Episodes, Observation, Source, Step
from tracking import RETURN, RETURN_HIGH, RETURN_LOW, Run, require

LOGS_PER_RUN = 200
Progress = Callable[[int, float | None], None]
"""Told the env step and the latest mean return, now and then."""
OnCheckpoint = Callable[[int], None]
"""Told the env step of each checkpoint."""


@runtime_checkable
class Trainable(Protocol):
    """What the loop asks of all that it trains."""

    env_step: int

    def at_work(self) -> AbstractContextManager[None]: ...
    def prepare(self, steps: int) -> None: ...
    def play(self, steps: int, end: int, journal: "Journal", stop: "StopSignals") -> None: ...
    def tensors(self) -> dict[str, np.ndarray]: ...
    def state(self) -> dict[str, Any]: ...
    def experience(self) -> dict[str, np.ndarray]: ...


@runtime_checkable
class Learning(Protocol):
    """What a segment asks of an agent."""

    seed: int
    env_step: int
    progress: float
    source: Source | None

    def begin(self, observation: Observation, seed: int) -> None: ...
    def act(self) -> np.ndarray: ...
    def observe(self, step: Step) -> Mapping[str, float] | None: ...


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
    journal = Journal(run, max(1, steps // LOGS_PER_RUN), progress)
    agent.prepare(steps)

    def save() -> None:
        if run is not None:
            run.save(agent.env_step, agent.tensors(), agent.state(), agent.experience())
            if on_checkpoint is not None:
                on_checkpoint(agent.env_step)

    if agent.env_step == 0:
        save()
    with agent.at_work(), StopSignals(run is not None) as stop:
        while agent.env_step < steps:
            end = (agent.env_step // checkpoint_every + 1) * checkpoint_every
            agent.play(steps, end if run is not None else steps, journal, stop)
            save()
            if stop.received is not None:
                raise Stopped(stop.received)
    if progress is not None:
        progress(agent.env_step, journal.latest)


def play_segment(agent: Learning, steps: int, end: int, journal: "Journal", stop: "StopSignals") -> None:
    """Train in new environments up to the first update at or after env step `end`, or until `steps`."""
    assert agent.source is not None, "an agent without environments can't train"
    seed = derived_seed(agent.seed, agent.env_step)
    seed_everything(seed)
    envs = agent.source.batch()
    try:
        agent.begin(envs.reset(seed), seed)
        while agent.env_step < steps and stop.received is None:
            step = envs.step(agent.act())
            agent.env_step += int(step.acted.sum())
            agent.progress = min(agent.env_step / steps, 1.0)
            metrics = agent.observe(step)
            journal.add(step.episodes)
            if metrics is not None:
                journal.write(agent.env_step, metrics)
                if agent.env_step >= end:
                    break
    finally:
        agent.source.release(envs)


class Journal:
    """Gather what happened between two rows of metrics, and write the rows."""

    def __init__(self, run: Run | None, every: int, progress: Progress | None):
        self.run, self.every, self.progress = run, every, progress
        self.returns: list[float] = []
        self.lengths: list[int] = []
        self.latest: float | None = None
        self.due = 0
        self.env_step, self.time = 0, time.perf_counter()

    def add(self, episodes: Episodes | None) -> None:
        """Take in the episodes that ended with a step, if any did."""
        if episodes is not None:
            self.returns += episodes.returns.tolist()
            self.lengths += episodes.lengths.tolist()

    def write(self, env_step: int, metrics: Mapping[str, float]) -> None:
        """Log a row, if one is due."""
        if env_step < self.due:
            return
        self.due = env_step + self.every
        row = dict(metrics)
        if self.returns:
            self.latest = float(np.mean(self.returns))
            row[RETURN] = self.latest
            row[RETURN_LOW], row[RETURN_HIGH] = min(self.returns), max(self.returns)
            row["episode/length"] = float(np.mean(self.lengths))
            row["episode/count"] = len(self.returns)
            self.returns, self.lengths = [], []
        now = time.perf_counter()
        row["time/env_steps_per_second"] = (env_step - self.env_step) / max(now - self.time, 1e-9)
        self.env_step, self.time = env_step, now
        if self.run is not None:
            self.run.log(row, env_step)
        if self.progress is not None:
            self.progress(env_step, self.latest)


def derived_seed(seed: int, env_step: int) -> int:
    """Return the seed of the segment that starts at `env_step` of a run with the seed `seed`."""
    return int(np.random.SeedSequence([seed, env_step]).generate_state(1)[0] >> 1)


def seed_everything(seed: int) -> None:
    """Seed the generators that environments and networks may use unasked."""
    random.seed(seed)
    np.random.seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


class Stopped(KeyboardInterrupt):
    """Training ended, after a checkpoint, because the signal `number` asked for it."""

    def __init__(self, number: int):
        self.number = number


class StopSignals:
    """Note Ctrl-C and SIGTERM, while in the context, instead of dying of them. A second one is deadly as usual.

    Only a recorded training in the main thread is `wanted` to do so.
    """

    NUMBERS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, wanted: bool):
        self.received: int | None = None
        self._wanted = wanted and threading.current_thread() is threading.main_thread()
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "StopSignals":
        if self._wanted:
            self._previous = {number: signal.signal(number, self._receive) for number in self.NUMBERS}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _receive(self, number: int, _: FrameType | None) -> None:
        self.received = number
        signal.signal(number, self._previous[number])
