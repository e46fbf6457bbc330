"""Callbacks that add to the record: checkpoints, metrics, a picture."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sandlot.tracking import IMAGES, checkpoint_name, require

from .base import Callback

if TYPE_CHECKING:
    from sandlot.agents.base import Agent
    from sandlot.agents.training import Training


class CheckpointCallback(Callback):
    """Save the agent now and then, to folders that `PPO.load` and its like read.

    A run has checkpoints of its own (`learn(checkpoint_every=…)`), from which it resumes exactly; these are for
    trainings without a run, or for more of them.

    Args:
        folder: Where to save; each checkpoint gets a folder in it, named by its env step.
        every: Env steps between them.
    """

    def __init__(self, folder: str | Path, every: int = 10_000):
        require(every >= 1, "every must be at least 1", every)
        self.folder, self.every = Path(folder), every
        self._due = every

    def on_update(self, training: "Training", metrics: object) -> None:
        if training.env_step >= self._due:
            self._due = (training.env_step // self.every + 1) * self.every
            training.agent.save(self.folder / checkpoint_name(training.env_step))

    def on_training_end(self, training: "Training") -> None:
        if training.outcome in ("finished", "stopped"):
            training.agent.save(self.folder / checkpoint_name(training.env_step))


class MetricsCallback(Callback):
    """Add metrics of your own to each row of the record.

    Args:
        function: Takes the agent, and returns numbers by name, such as {"buffer/size": 500.0}.
    """

    def __init__(self, function: "Callable[[Agent], Mapping[str, float]]"):
        self.function = function

    def on_log(self, training: "Training", row: dict[str, float]) -> None:
        row.update(self.function(training.agent))


class PlotCallback(Callback):
    """Plot what the agent has learned, if it can be plotted, among the images of the run, at the end."""

    path: Path | None = None
    """Where the plot is."""

    def on_training_end(self, training: "Training") -> None:
        if training.run is None or training.outcome not in ("finished", "stopped"):
            return
        path = training.run.folder / IMAGES / f"{checkpoint_name(training.env_step)}.png"
        if training.agent.plot(path):
            self.path = path
            training.run.log_media("learned", path, training.env_step)
