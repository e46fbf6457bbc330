"""Regression with a network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.supervised.data import Batch
from sandlot.supervised.modalities.mixup import MIXUP_TARGET, MIXUP_WEIGHT
from sandlot.supervised.optimization.learner import Learner
from sandlot.supervised.targets import TARGET, NumberTarget
from sandlot.supervised.transfer.trained_encoder import TrainedEncoder

from .fine_tuning import FineTuning
from .prediction import PredictionTask
from .predictor import Predictor, PredictorConfig, augment


@dataclass(frozen=True, kw_only=True)
class RegressorConfig(PredictorConfig):
    """Hyperparameters of a regressor."""

    epochs: int = 100


def regression_loss(module: Callable[[Batch], Tensor], batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the mean squared error of the standardised target, mixed like the inputs under mixup, and metrics."""
    prediction = module(batch).squeeze(-1)
    loss = F.mse_loss(prediction, batch[TARGET])
    if MIXUP_TARGET in batch:
        other = F.mse_loss(prediction, batch[MIXUP_TARGET])
        loss = batch[MIXUP_WEIGHT] * loss + (1 - batch[MIXUP_WEIGHT]) * other
    return loss, {"loss": loss.detach()}


class Regressor(PredictionTask):
    """Predict a number from images, texts or rows of a table with a network.

    The target is the column called label, target, class or y, or the last one, unless `target` names it; the inputs
    are all other columns, unless `columns` names them.

    Example:
        >>> task = Regressor("diabetes").learn()
        >>> task.evaluate("test")
        {"rmse": …, "mse": …, "mae": …, "r2": 0.4…}
    """

    name = "regressor"
    Config = RegressorConfig
    config: RegressorConfig
    target_kind = NumberTarget
    monitor = NumberTarget.monitor

    def build(self) -> dict[str, Learner]:
        self.network = Predictor(self.new_backbone(), self.target.outputs)
        self.fine_tuning = FineTuning(self.network, self.loss, self.config, self.metadata)
        return {"network": self.fine_tuning.learner()}

    def train_step(self, batches: Sequence[Batch]) -> None:
        if self.fine_tuning.unfreezes_at(self.step, self.loader):
            self.learners["network"] = self.fine_tuning.unfreeze(self.step)
        self.learners["network"].step(*(augment(batch, self.config) for batch in batches))

    def loss(self, module: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch, and metrics."""
        return regression_loss(module, batch)

    def outputs_of(self, batch: Batch) -> Float[Tensor, "row 1"]:
        return self.network(batch)

    def trained_encoder(self) -> TrainedEncoder:
        """Return the network below the head, for another task or an agent to start from."""
        return self.fine_tuning.trained_encoder()
