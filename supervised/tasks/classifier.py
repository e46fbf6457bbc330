"""Classification with a network."""

from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from sandlot.supervised.data import Batch
from sandlot.supervised.modalities.mixup import OTHER, SHARE
from sandlot.tracking import require

from .classification import Classifying
from .network_task import NetworkTask, PredictingConfig
from .prediction import TARGET


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig(PredictingConfig):
    """Hyperparameters of a classifier."""

    label_smoothing: float = 0.0
    """Share of a label's certainty that is spread over all classes."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.label_smoothing < 1, "label_smoothing must be in [0, 1)", self.label_smoothing)


def classification_loss(module: Any, batch: Batch, label_smoothing: float) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the cross-entropy of the true classes, and what to log."""
    logits = module(batch)
    loss = F.cross_entropy(logits, batch[TARGET], label_smoothing=label_smoothing)
    if OTHER in batch:
        other = F.cross_entropy(logits, batch[OTHER], label_smoothing=label_smoothing)
        loss = batch[SHARE] * loss + (1 - batch[SHARE]) * other
    accuracy = (logits.detach().argmax(-1) == batch[TARGET]).float().mean()
    return loss, {"loss": loss.detach(), "accuracy": accuracy}


class Classifier(NetworkTask, Classifying):
    """Tell classes of images, texts or rows of a table apart."""

    name = "classifier"
    Config = ClassifierConfig
    config: ClassifierConfig

    def loss(self, module: Any, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        return classification_loss(module, batch, self.config.label_smoothing)
