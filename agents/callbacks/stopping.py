"""Callbacks that end a training early."""

from typing import TYPE_CHECKING, Literal

from sandlot.tracking import RETURN, require

from .base import Callback

if TYPE_CHECKING:
    from sandlot.agents.training import Training


class StopAtReturn(Callback):
    """Stop once the mean return of the latest training episodes reaches a value.

    Args:
        value: The mean return to reach.
        episodes: How many of the latest episodes count, 100 at most. So many must have ended.

    Example:
        PPO("CartPole-v1").learn(200_000, callback=StopAtReturn(475))
    """

    def __init__(self, value: float, episodes: int = 100):
        require(1 <= episodes <= 100, "episodes must be in [1, 100]", episodes)
        self.value, self.episodes = value, episodes

    def on_update(self, training: "Training", metrics: object) -> None:
        latest = list(training.recent_returns)[-self.episodes :]
        if len(latest) == self.episodes and sum(latest) / self.episodes >= self.value:
            training.stop(f"the mean return of {self.episodes} episodes has reached {self.value:g}")


class StopWithoutImprovement(Callback):
    """Stop once a metric has not improved for some rows of metrics that have it.

    Args:
        patience: Rows without improvement after which to stop.
        metric: Its name in the rows: by default the mean return of training episodes; "evaluation/return" is that
            of an `EvaluationCallback`, which must come first in the list of callbacks.
        min_delta: Changes smaller than this are no improvement.
        mode: Whether more ("max") or less ("min") is better.
    """

    def __init__(
        self, patience: int = 20, metric: str = RETURN, min_delta: float = 0.0, mode: Literal["max", "min"] = "max"
    ):
        require(patience >= 1, "patience must be at least 1", patience)
        require(min_delta >= 0, "min_delta must be at least 0", min_delta)
        self.patience, self.metric, self.min_delta = patience, metric, min_delta
        self._sign = 1 if mode == "max" else -1
        self._best, self._stale = float("-inf"), 0

    def on_log(self, training: "Training", row: dict[str, float]) -> None:
        if self.metric not in row:
            return
        value = self._sign * row[self.metric]
        if value > self._best + self.min_delta:
            self._best, self._stale = value, 0
        else:
            self._stale += 1
        if self._stale >= self.patience:
            training.stop(f"{self.metric} has not improved for {self.patience} rows of metrics")
