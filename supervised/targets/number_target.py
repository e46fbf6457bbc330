"""Numbers as targets."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sandlot.supervised.data import Frame
from sandlot.supervised.evaluation.metrics import regression_metrics
from sandlot.supervised.evaluation.plots import draw_residuals
from sandlot.supervised.fitting.monitor import Monitor
from sandlot.tracking import SandlotError
from sandlot.tracking.common.intervals import Interval, mean_interval

from .target import Ranking, Target

STRATA = 10
"""Quantile ranges of the target that each split has the same share of."""


@dataclass(frozen=True)
class NumberTarget(Target):
    """A number, which networks predict standardised to mean 0 and standard deviation 1."""

    mean: float = 0.0
    std: float = 1.0

    monitor = Monitor("rmse", higher=False)

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> Self:
        return cls(metadata["target"], *metadata.get("scale", ()))

    @property
    def outputs(self) -> int:
        return 1

    def strata(self, frame: Frame) -> Int[np.ndarray, "row"]:
        values = frame.numbers(self.column)
        return np.searchsorted(np.quantile(values, np.linspace(0, 1, STRATA + 1)[1:-1]), values)

    def fit(self, train: Frame) -> dict[str, Any]:
        values = train.numbers(self.column)
        if values.std() == 0:
            raise SandlotError(
                f"the column {self.column!r} of {train.name} is always {values[0]:g}; there is nothing to predict"
            )
        return {"scale": [float(values.mean()), float(values.std())]}

    def encode(self, frame: Frame) -> Float[Tensor, "row"]:
        return torch.from_numpy((frame.numbers(self.column) - self.mean) / self.std).float()

    def decode(self, outputs: Float[Tensor, "row 1"]) -> list[dict[str, Any]]:
        return [{self.column: value} for value in self._in_units(outputs.squeeze(-1)).tolist()]

    def metrics(self, outputs: Float[Tensor, "row 1"], target: Float[Tensor, "row"]) -> dict[str, float]:
        return regression_metrics(self._in_units(outputs.squeeze(-1)), self._in_units(target))

    def interval(
        self, outputs: Float[Tensor, "row 1"], target: Float[Tensor, "row"], metrics: Mapping[str, float]
    ) -> Interval:
        error = self._in_units(outputs.squeeze(-1)) - self._in_units(target)
        low, high = mean_interval(error.square().numpy())
        return low**0.5, high**0.5

    def plot(self, outputs: Float[Tensor, "row 1"], target: Float[Tensor, "row"], folder: Path) -> dict[str, Path]:
        path = folder / "residuals.png"
        draw_residuals(path, self._in_units(outputs.squeeze(-1)), self._in_units(target), self.column)
        return {"residuals": path}

    def rank_errors(self, outputs: Float[Tensor, "row 1"], target: Float[Tensor, "row"]) -> Ranking:
        prediction, truth = self._in_units(outputs.squeeze(-1)), self._in_units(target)
        worst = (prediction - truth).abs().argsort(descending=True)
        cells = [[truth[row].item(), prediction[row].item()] for row in worst.tolist()]
        return Ranking(worst.numpy(), ("true", "predicted"), cells)

    def _in_units(self, scaled: Float[Tensor, "row"]) -> Float[Tensor, "row"]:
        return scaled * self.std + self.mean
