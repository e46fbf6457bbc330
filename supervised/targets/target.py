"""Kinds of target columns: what a prediction task predicts, and how its predictions are scored and plotted."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from jaxtyping import Float, Shaped
from torch import Tensor

from sandlot.supervised.data import Frame
from sandlot.supervised.fitting.monitor import Monitor
from sandlot.tracking.common.intervals import Interval

TARGET_NAMES = ("label", "target", "class", "y")
"""Names by which a target column is recognised."""
TARGET = "target"
"""The encoded target's name in a batch."""


class Ranking(NamedTuple):
    """Rows of a subset from the worst prediction on, with a few named cells about each."""

    order: Shaped[np.ndarray, "some"]
    headings: tuple[str, ...]
    cells: list[list[Any]]


@dataclass(frozen=True)
class Target(ABC):
    """A target column. A `PredictionTask` has one: `ClassTarget` or `NumberTarget`."""

    column: str

    monitor: ClassVar[Monitor]
    """The metric that selects the best checkpoint."""

    @classmethod
    @abstractmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> Self:
        """Return the target that a task's metadata describe."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """How many numbers a network predicts for a row."""

    @abstractmethod
    def strata(self, frame: Frame) -> Shaped[np.ndarray, "row"]:
        """Return a group for each row, such that each split should have the same share of each group."""

    @abstractmethod
    def fit(self, train: Frame) -> dict[str, Any]:
        """Compute the metadata that `from_metadata` reads from the train split."""

    @abstractmethod
    def encode(self, frame: Frame) -> Shaped[Tensor, "row"]:
        """Return the target of each row as a tensor."""

    @abstractmethod
    def decode(self, outputs: Float[Tensor, "row output"]) -> list[dict[str, Any]]:
        """Return predictions as named values."""

    @abstractmethod
    def metrics(self, outputs: Float[Tensor, "row output"], target: Shaped[Tensor, "row"]) -> dict[str, float]:
        """Return the metrics of predictions, given the encoded target."""

    @abstractmethod
    def interval(
        self, outputs: Float[Tensor, "row output"], target: Shaped[Tensor, "row"], metrics: Mapping[str, float]
    ) -> Interval:
        """Return the 95 % interval of the monitored metric."""

    @abstractmethod
    def plot(
        self, outputs: Float[Tensor, "row output"], target: Shaped[Tensor, "row"], folder: Path
    ) -> dict[str, Path]:
        """Plot the predictions into files in `folder`, and return them by name."""

    @abstractmethod
    def rank_errors(self, outputs: Float[Tensor, "row output"], target: Shaped[Tensor, "row"]) -> Ranking:
        """Return the rows whose predictions are wrong, the worst first."""


def default_target_column(frame: Frame) -> str | None:
    """Return the first column that is named like a target, if there is one."""
    return next((name for name in TARGET_NAMES if name in frame.columns), None)
