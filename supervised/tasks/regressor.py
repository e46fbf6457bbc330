"""Regression with a network."""

from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from sandlot.supervised.data import Batch
from sandlot.supervised.modalities.mixup import OTHER, SHARE

from .network_task import NetworkTask, PredictingConfig
from .prediction import TARGET
from .regression import Regressing


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


class Regressor(NetworkTask, Regressing):
    """Predict a number from images, texts or rows of a table."""

    name = "regressor"
    Config = RegressorConfig
    config: RegressorConfig

    def loss(self, module: Any, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        return regression_loss(module, batch)
