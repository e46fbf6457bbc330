"""A training under way: its record, its callbacks, and how it ends."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sandlot.agents.callbacks.base import CallbackList, Callbacks
from sandlot.envs import Episodes, Step
from sandlot.tracking import (
    RETURN,
    RETURN_HIGH,
    RETURN_LOW,
    TRAIN,
    MetricLogger,
    Run,
    SandlotError,
    Stopped,
    StopSignals,
    require,
)

if TYPE_CHECKING:
    from .base import Agent

LOGS_PER_RUN = 200
RECENT_EPISODES = 100
CHECKPOINT_EVERY = 50_000
"""Env steps between checkpoints, if nothing else is said."""
Outcome = Literal["running", "finished", "stopped", "interrupted", "failed"]


@dataclass(slots=True)
class Progress:
    """How far a training is; an agent that wraps another shares it."""

    env_step: int = 0
    fraction: float = 0.0
    latest_return: float | None = None


class Training:
    """What the loop, the agent that is trained and the callbacks share.

    As a context it tells the callbacks that the training has ended, however it did.
    """

    def __init__(
        self,
        agent: "Agent",
        steps: int,
        run: Run | None = None,
        callback: Callbacks = None,
        checkpoint_every: int = CHECKPOINT_EVERY,
    ):
        require(steps >= 1, "steps must be at least 1", steps)
        require(checkpoint_every >= 1, "checkpoint_every must be at least 1", checkpoint_every)
        self.agent, self.steps, self.run, self.checkpoint_every = agent, steps, run, checkpoint_every
        self.first_step = self.env_step = agent.env_step
        self.episodes = EpisodeLogger(run, max(1, steps // LOGS_PER_RUN))
        self.signals = StopSignals(run is not None)
        self.outcome: Outcome = "running"
        self.stop_reason: str | None = None
        """Why a callback stopped the training, if one did."""
        self.error: BaseException | None = None
        """What a callback raised, if one did."""
        self._hooks = CallbackList(callback).overriding
        self._stop = False
        if agent.has_own_loop and self._hooks["on_step"]:
            raise SandlotError(f"{agent.name} trains in a loop of its own, which has no on_step; use on_update")

    @property
    def stopped(self) -> bool:
        """Whether a callback or a signal asked for the end of the training."""
        return self._stop or self.signals.received is not None

    @property
    def watches_steps(self) -> bool:
        """Whether a callback wants to see each step."""
        return bool(self._hooks["on_step"])

    @property
    def latest_return(self) -> float | None:
        """The mean return in the latest row of metrics that had one."""
        return self.episodes.latest

    @property
    def recent_returns(self) -> deque[float]:
        """The returns of the latest 100 training episodes."""
        return self.episodes.recent

    @property
    def seconds(self) -> float:
        """Seconds since the training started, without what callbacks did after its end."""
        return self.episodes.seconds

    def stop(self, reason: str = "a callback stopped the training") -> None:
        """End the training after the current step, and after a checkpoint if it is recorded."""
        self._stop, self.stop_reason = True, self.stop_reason or reason

    def log(self, metrics: Mapping[str, float]) -> None:
        """Write a row of metrics now, beside those that are due."""
        row = dict(metrics)
        self._call("on_log", row)
        if self.run is not None:
            self.run.log(row, self.env_step)

    def start(self) -> None:
        """Tell the callbacks, and save the agent as it is before it has learned anything."""
        self._call("on_training_start")
        if self.agent.env_step == 0:
            self.save()

    def segment_end(self) -> int:
        """Return the env step at which the next checkpoint is due."""
        if self.run is None:
            return self.steps
        return (self.agent.env_step // self.checkpoint_every + 1) * self.checkpoint_every

    def record_step(self, step: Step) -> None:
        """Tell the callbacks of a step of the environments."""
        self.env_step = self.agent.env_step
        self._call("on_step", step)

    def record_update(
        self, env_step: int, metrics: Mapping[str, float], agent_metrics: Callable[[], Mapping[str, float]] = dict
    ) -> None:
        """Take in the metrics of an update; log a row if one is due, with the agent's own, which take time to find."""
        self.env_step = env_step
        if self._hooks["on_update"]:
            self._call("on_update", metrics)
        if self.episodes.is_due(env_step):
            row = {**_in_panels(metrics), **self.episodes.take(), **agent_metrics()}
            self._call("on_log", row)
            self.episodes.write(env_step, row)
            self.agent.training_progress.latest_return = self.latest_return

    def save(self) -> None:
        """Write a checkpoint, if the training is recorded, and end it if a signal has asked for that."""
        self.env_step = self.agent.env_step
        if self.run is not None:
            agent = self.agent
            self.run.save(agent.env_step, agent.tensors(), agent.state(), agent.experience())
            self._call("on_checkpoint")
        if self.signals.received is not None:
            raise Stopped(self.signals.received)

    def __enter__(self) -> "Training":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.episodes.stop_clock()
        if isinstance(error, KeyboardInterrupt):
            self.outcome = "interrupted"
        elif error is not None or self.error is not None:
            self.outcome, self.error = "failed", self.error or error
        else:
            self.outcome = "stopped" if self._stop else "finished"
        for callback in self._hooks["on_training_end"]:
            try:
                callback.on_training_end(self)
            except BaseException as failure:
                self.error = self.error or failure
        if error is None and self.error is not None:
            if self.run is not None:
                status = "failed" if isinstance(self.error, Exception) else "interrupted"
                self.run.finish({"status": status, self.run.axis: self.env_step, "error": _said(self.error)})
            raise self.error

    def _call(self, hook: str, *arguments: Any) -> None:
        """Call a hook of all callbacks. What one raises is kept until the training is checkpointed and closed."""
        for callback in self._hooks[hook]:
            if self.error is not None:
                return
            try:
                if getattr(callback, hook)(self, *arguments) is False:
                    self.stop(f"{type(callback).__name__} stopped the training")
            except Exception as error:
                self.error = error
                self.stop()


class EpisodeLogger(MetricLogger):
    """Gather the episodes that end between two rows of metrics."""

    def __init__(self, run: Run | None = None, every: int = 1):
        super().__init__(run, every, "time/env_steps_per_second")
        self.returns: list[float] = []
        self.lengths: list[int] = []
        self.successes: list[float] = []
        self.latest: float | None = None
        self.recent: deque[float] = deque(maxlen=RECENT_EPISODES)
        self._began, self._ended = self.time, None

    @property
    def seconds(self) -> float:
        """Seconds from the start to now, or to the end."""
        return (time.perf_counter() if self._ended is None else self._ended) - self._began

    def stop_clock(self) -> None:
        """Note that the training has ended."""
        self._ended = time.perf_counter()

    def add(self, episodes: Episodes | None) -> None:
        """Take in the episodes that ended with a step, if any did."""
        if episodes is not None:
            returns = episodes.returns.tolist()
            self.returns += returns
            self.recent.extend(returns)
            self.lengths += episodes.lengths.tolist()
            if episodes.successes is not None:
                self.successes += episodes.successes.tolist()

    def take(self) -> dict[str, float]:
        """Return what a row says of the episodes that have ended since the last; nothing if there are none."""
        if not self.returns:
            return {}
        self.latest = float(np.mean(self.returns))
        row = {
            RETURN: self.latest,
            RETURN_LOW: min(self.returns),
            RETURN_HIGH: max(self.returns),
            "train/episode_length": float(np.mean(self.lengths)),
            "train/episodes": len(self.returns),
        }
        if self.successes:
            row["episode/success_rate"] = float(np.mean(self.successes))
        self.returns, self.lengths, self.successes = [], [], []
        return row


def _in_panels(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return metrics with names that have a panel: `train/grad_norm`, not `grad_norm`."""
    return {name if "/" in name else f"{TRAIN}{name}": value for name, value in metrics.items()}


def _said(error: BaseException) -> str:
    return str(error) if isinstance(error, SandlotError) else f"{type(error).__name__}: {error}"
