"""A callback that shows a progress bar."""

from typing import TYPE_CHECKING

from rich.console import Console

from sandlot.tracking.common.progress_bar import ProgressBar
from sandlot.tracking.common.terminal import lasting_console

from .base import Callback

if TYPE_CHECKING:
    from sandlot.agents.training import Training


class ProgressBarCallback(Callback):
    """Show how far the training is, its speed, and the latest mean return.

    Args:
        console: Where to show it; by default the terminal.
    """

    def __init__(self, console: Console | None = None):
        self.console = console or lasting_console()
        self._bar: ProgressBar | None = None

    def on_training_start(self, training: "Training") -> None:
        agent = training.agent
        name = f"{agent.name} {agent.env_factory.name}" if agent.env_factory else agent.name
        self._bar = ProgressBar(self.console, name, training.steps, "return").__enter__()

    def on_log(self, training: "Training", row: dict[str, float]) -> None:
        if self._bar is not None:
            self._bar.update(training.env_step, training.latest_return)

    def on_training_end(self, training: "Training") -> None:
        if self._bar is not None:
            self._bar.update(training.env_step, training.latest_return)
            self._bar.__exit__()
            self._bar = None
