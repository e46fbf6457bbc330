"""Regression."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from tracking import SandlotError

from ..data import Batch, Frame, Part
from ..measures import regression_measures
from ..mixup import OTHER, SHARE
from ..task import Goal
from .predicting import TARGET, PredictingConfig, PredictingTask

STRATA = 10


@dataclass(frozen=True, kw_only=True)
class RegressorConfig(PredictingConfig):
    """Hyperparameters of a regressor."""

    epochs: int = 100


def regression_loss(module: Any, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the mean squared error of the scaled target, and what to log."""
    prediction = module(batch).squeeze(-1)
    loss = F.mse_loss(prediction, batch[TARGET])
    if OTHER in batch:
        loss = batch[SHARE] * loss + (1 - batch[SHARE]) * F.mse_loss(prediction, batch[OTHER])
    return loss, {"loss": loss.detach()}


class Regressor(PredictingTask):
    """Predict a number of each row. The network learns it scaled to mean 0 and deviation 1."""

    name = "regressor"
    Config = RegressorConfig
    goal = Goal("rmse", higher=False)
    config: RegressorConfig

    def loss(self, module: Any, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        return regression_loss(module, batch)

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

    def encode_target(self, frame: Frame) -> Tensor:
        mean, std = self.facts["scale"]
        return torch.from_numpy((frame.numbers(self.target) - mean) / std).float()

    def in_units(self, scaled: Float[Tensor, "*row"]) -> Float[Tensor, "*row"]:
        """Return scaled values in the units of the data."""
        mean, std = self.facts["scale"]
        return scaled * std + mean

    def measure(self, part: Part) -> dict[str, float]:
        prediction, target = self.predictions(part)
        return regression_measures(prediction, target)

    def predictions(self, part: Part) -> tuple[Float[Tensor, "row"], Float[Tensor, "row"]]:
        """Return what is predicted for each row, and what is true, in the units of the data."""
        target = part.columns[TARGET][torch.from_numpy(part.rows)]
        return self.in_units(self.predict(part).squeeze(-1)).cpu(), self.in_units(target).cpu()
