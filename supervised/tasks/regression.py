"""Numbers as targets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sandlot.supervised.data import Frame, Part
from sandlot.supervised.evaluation.metrics import regression_measures
from sandlot.supervised.evaluation.plots import draw_residuals
from sandlot.supervised.evaluation.worst_predictions import write_worst_predictions
from sandlot.supervised.fitting.monitor import Monitor
from sandlot.tracking import SandlotError
from sandlot.tracking.common.intervals import Interval, mean_interval

from .prediction import TARGET, PredictingTask

STRATA = 10
"""Ranges of the target of which each part of the data should have its share."""


class Regressing(PredictingTask):
    """Predict a number, which is learned scaled to mean 0 and deviation 1."""

    monitor = Monitor("rmse", higher=False)

    @property
    def outputs(self) -> int:
        return 1

    def strata(self, frame: Frame) -> np.ndarray:
        values = frame.numbers(self.target)
        return np.searchsorted(np.quantile(values, np.linspace(0, 1, STRATA + 1)[1:-1]), values)

    def learn_target(self, train: Frame) -> dict[str, Any]:
        values = train.numbers(self.target)
        if values.std() == 0:
            raise SandlotError(
                f"the column {self.target!r} of {train.name} is always {values[0]:g}; there is nothing to predict"
            )
        return {"scale": [float(values.mean()), float(values.std())]}

    def encode_target(self, frame: Frame) -> Float[Tensor, "row"]:
        mean, std = self.metadata["scale"]
        return torch.from_numpy((frame.numbers(self.target) - mean) / std).float()

    def in_words(self, outputs: Float[Tensor, "row output"]) -> list[dict[str, Any]]:
        return [{self.target: value} for value in self._in_units(outputs.squeeze(-1)).tolist()]

    def measure(self, part: Part) -> dict[str, float]:
        return regression_measures(*self._both(part))

    def interval_of(self, part: Part, measures: Mapping[str, float]) -> Interval:
        prediction, target = self._both(part)
        low, high = mean_interval((prediction - target).square().numpy())
        return low**0.5, high**0.5

    def draw(self, part: Part, folder: Path) -> dict[str, Path]:
        prediction, target = self._both(part)
        draw_residuals(folder / "residuals.png", prediction, target, self.target)
        worst = (prediction - target).abs().argsort(descending=True)
        told = [[target[row].item(), prediction[row].item()] for row in worst.tolist()]
        rows, columns = part.rows[worst.numpy()], ("true", "predicted")
        mistakes = write_worst_predictions(folder, self.frame, rows, self.metadata["inputs"], columns, told)
        return {"residuals": folder / "residuals.png", **mistakes}

    def _both(self, part: Part) -> tuple[Float[Tensor, "row"], Float[Tensor, "row"]]:
        """Return what is predicted for each row, and what is true, in the units of the data."""
        target = part.columns[TARGET].cpu()[torch.from_numpy(part.rows)]
        return self._in_units(self.predictions(part).squeeze(-1)), self._in_units(target)

    def _in_units(self, scaled: Float[Tensor, "row"]) -> Float[Tensor, "row"]:
        mean, std = self.metadata["scale"]
        return scaled * std + mean
