"""A callback that films checkpoints."""

from typing import TYPE_CHECKING

from sandlot.agents.films import FilmWorker
from sandlot.tracking import SandlotError, require

from .base import Callback

if TYPE_CHECKING:
    from sandlot.agents.training import Training


class VideoCallback(Callback):
    """Film checkpoints of the run: the first, the last, and some between.

    A worker process records the videos while the training goes on. If it fails, the training goes on without.

    Args:
        every: Env steps between films, which are made of checkpoints; 0 for no films.
    """

    def __init__(self, every: int = 100_000):
        require(every >= 0, "every must be at least 0", every)
        self.every = every
        self.problem: str | None = None
        """What went wrong, if something did."""
        self._films: FilmWorker | None = None
        self._due = 0

    def on_training_start(self, training: "Training") -> None:
        if not self.every:
            return
        if training.run is None:
            raise SandlotError("a VideoCallback films the checkpoints of a run; give one, as in learn(record='runs')")
        self._films = FilmWorker(training.run)
        if training.agent.env_step >= training.steps:  # resumed after its last checkpoint, whose film may be missing
            self._request(training)

    def on_checkpoint(self, training: "Training") -> None:
        if self._films is None:
            return
        self._films.collect()
        if training.env_step >= min(self._due, training.steps):
            self._request(training)

    def on_training_end(self, training: "Training") -> None:
        if self._films is None:
            return
        films, self._films = self._films, None
        crashed = training.error is not None and not isinstance(training.error, SandlotError | KeyboardInterrupt)
        if crashed:
            films.stop()
        else:
            self.problem = films.finish()

    def _request(self, training: "Training") -> None:
        assert self._films is not None
        self._films.request(training.agent.env_step)
        self._due = (training.env_step // self.every + 1) * self.every
