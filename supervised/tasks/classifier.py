"""Classification with a network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.supervised.data import Batch
from sandlot.supervised.modalities.mixup import MIXUP_TARGET, MIXUP_WEIGHT
from sandlot.supervised.optimization.learner import Learner
from sandlot.supervised.targets import TARGET, ClassTarget
from sandlot.supervised.transfer.trained_encoder import TrainedEncoder
from sandlot.tracking import require

from .fine_tuning import FineTuning
from .prediction import PredictionTask
from .predictor import Predictor, PredictorConfig, augment


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig(PredictorConfig):
    """Hyperparameters of a classifier."""

    label_smoothing: float = 0.0
    """Label smoothing: the probability that is spread evenly over all classes."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.label_smoothing < 1, "label_smoothing must be in [0, 1)", self.label_smoothing)


def classification_loss(
    module: Callable[[Batch], Tensor], batch: Batch, label_smoothing: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the cross-entropy of the true classes, mixed like the inputs under mixup, and metrics."""
    logits = module(batch)
    loss = F.cross_entropy(logits, batch[TARGET], label_smoothing=label_smoothing)
    if MIXUP_TARGET in batch:
        other = F.cross_entropy(logits, batch[MIXUP_TARGET], label_smoothing=label_smoothing)
        loss = batch[MIXUP_WEIGHT] * loss + (1 - batch[MIXUP_WEIGHT]) * other
    accuracy = (logits.detach().argmax(-1) == batch[TARGET]).float().mean()
    return loss, {"loss": loss.detach(), "accuracy": accuracy}


class Classifier(PredictionTask):
    """Classify images, texts or rows of a table with a network.

    The target is the column called label, target, class or y, or the last one, unless `target` names it; the inputs
    are all other columns, unless `columns` names them.

    Example:
        >>> task = Classifier("digits", network="cnn", epochs=5).learn()
        >>> task.evaluate("test")
        {"accuracy": 0.98…, "loss": …, "calibration_error": …, "auroc": …, …}
        >>> task.predict(load_frame("new-digits/"))
        [{"row": "new-digits/1.png", "label": "7", "confidence": 0.99}, …]
    """

    name = "classifier"
    Config = ClassifierConfig
    config: ClassifierConfig
    target_kind = ClassTarget
    monitor = ClassTarget.monitor

    @property
    def classes(self) -> list[str]:
        """The class names, in order of the logits."""
        return self.metadata["classes"]

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
        return classification_loss(module, batch, self.config.label_smoothing)

    def outputs_of(self, batch: Batch) -> Float[Tensor, "row class"]:
        return self.network(batch)

    def trained_encoder(self) -> TrainedEncoder:
        """Return the network below the head, for another task or an agent to start from."""
        return self.fine_tuning.trained_encoder()
