"""The training loop. It knows no algorithm."""

import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

import numpy as np

from envs import Step
from tracking import RETURN, RETURN_HIGH, RETURN_LOW, Run, require

from .agent import Agent

LOGS_PER_RUN = 200
Progress = Callable[[int, float | None], None]
"""Told the env step and the latest mean return, now and then."""
OnCheckpoint = Callable[[int], None]
"""Told the env step of each checkpoint."""


def train(
    agent: Agent,
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
    what it would have done. Ctrl-C, or a SIGTERM, ends a recorded training after a last checkpoint, with
    KeyboardInterrupt.
    """
    require(steps >= 1, "steps must be at least 1", steps)
    require(checkpoint_every >= 1, "checkpoint_every must be at least 1", checkpoint_every)
    journal = Journal(run, max(1, steps // LOGS_PER_RUN), progress)
    agent.prepare(steps)

    def save() -> None:
        if run is not None:
            run.save(agent.env_step, agent.tensors(), agent.state())
            if on_checkpoint is not None:
                on_checkpoint(agent.env_step)

    if agent.env_step == 0:
        save()
    with agent.at_work(), stoppable(run is not None) as stopped:
        while agent.env_step < steps:
            end = (agent.env_step // checkpoint_every + 1) * checkpoint_every
            play_segment(agent, steps, end if run is not None else steps, journal, stopped)
            save()
            if stopped.is_set():
                raise KeyboardInterrupt


def play_segment(agent: Agent, steps: int, end: int, journal: "Journal", stopped: threading.Event) -> None:
    """Train in new environments up to the first update at or after env step `end`, or until `steps`."""
    assert agent.source is not None, "an agent without environments can't train"
    seed = derived_seed(agent.seed, agent.env_step)
    random.seed(seed)
    np.random.seed(seed)
    seed_torch(seed)
    envs = agent.source.batch()
    try:
        agent.begin(envs.reset(seed), seed)
        while agent.env_step < steps and not stopped.is_set():
            step = envs.step(agent.act())
            agent.env_step += int(step.acted.sum())
            agent.progress = min(agent.env_step / steps, 1.0)
            metrics = agent.observe(step)
            journal.add(step)
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

    def add(self, step: Step) -> None:
        """Take in the episodes that ended with `step`."""
        if step.episodes is not None:
            self.returns += step.episodes.returns.tolist()
            self.lengths += step.episodes.lengths.tolist()

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


def seed_torch(seed: int) -> None:
    """Seed torch, if this process uses it."""
    import sys

    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


@contextmanager
def stoppable(wanted: bool) -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C or a SIGTERM sets, in place of what these do otherwise; a second one does that."""
    stopped = threading.Event()
    if not wanted or threading.current_thread() is not threading.main_thread():
        yield stopped
        return

    def stop(number: int, _: FrameType | None) -> None:
        stopped.set()
        signal.signal(number, previous[signal.Signals(number)])

    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        signal.signal(number, stop)
    try:
        yield stopped
    finally:
        for number in numbers:
            signal.signal(number, previous[number])
