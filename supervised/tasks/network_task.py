"""A network that learns to predict."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from sandlot.supervised.data import Batch
from sandlot.supervised.encoder_builder import EncoderConfig
from sandlot.supervised.fitting.config import FitConfig
from sandlot.supervised.modalities.augmentation import Augmentation, augmented
from sandlot.supervised.modalities.columns import IMAGE
from sandlot.supervised.modalities.config import ReadingConfig
from sandlot.supervised.modalities.mixup import mixed
from sandlot.supervised.networks import Activation
from sandlot.supervised.optimization.learner import Learner
from sandlot.supervised.transfer.encoding import Encoding, TransferConfig, freeze, layer_scales, load_encoding
from sandlot.tracking import require

from .prediction import PredictingTask
from .predictor import Predictor


@dataclass(frozen=True, kw_only=True)
class PredictingConfig(FitConfig, ReadingConfig, EncoderConfig, TransferConfig):
    """How a network learns to predict."""

    learning_rate: float = 1e-3
    max_grad_norm: float = 1.0
    hidden: tuple[int, ...] = (256, 256)
    activation: Activation = "relu"
    memory_length: int = 128
    augment: tuple[Augmentation, ...] = ()
    """Random changes of images while learning."""
    mixup: float = 0.0
    """How evenly pairs of rows are mixed while learning (α in the paper); 0 for not at all."""

    def __post_init__(self) -> None:
        for part in (FitConfig, ReadingConfig, EncoderConfig, TransferConfig):
            part.__post_init__(self)
        require(self.mixup >= 0, "mixup must be at least 0", self.mixup)


class NetworkTask(PredictingTask):
    """Learn to predict with one network. `start` is an encoder to begin with, in place of a new one."""

    config: Any

    def __init__(self, data: Any, *, start: Encoding | None = None, config: Any = None, **options: Any):
        self.start = start
        config = self.Config() if config is None else config
        super().__init__(data, config=config if start is None else start.applied_to(config), **options)

    @abstractmethod
    def loss(self, module: Any, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch, and what to log."""

    def fit_preprocessing(self, train: Any) -> dict[str, Any]:
        metadata = super().fit_preprocessing(train)
        if self.start is not None:
            metadata["reading"] = self.start.reading_for(metadata["reading"], self.metadata["kind"])
        return metadata

    def build(self) -> dict[str, Learner]:
        network = Predictor(self.modality.reader(self.metadata["reading"], self.config), self.outputs)
        if self.start is not None:
            load_encoding(network.reader, self.start)
        return {"network": self._learner(network)}

    def train_step(self, batches: Sequence[Batch]) -> None:
        self._release_if_due()
        self.learners["network"].step(*map(self.augment, batches))

    def train(self, learning: bool) -> None:
        super().train(learning)
        for layer in self.frozen:
            layer.eval()

    def augment(self, batch: Batch) -> Batch:
        """Return a batch with its images changed and its rows mixed, as the config says."""
        if self.config.augment and IMAGE in batch:
            batch = {**batch, IMAGE: augmented(batch[IMAGE], self.config.augment)}
        return mixed(batch, self.config.mixup) if self.config.mixup else batch

    def outputs_of(self, batch: Batch) -> Float[Tensor, "row output"]:
        return self.learners["network"].module(batch)

    def encoding(self) -> Encoding:
        """Return what reads the rows, for another task to start from."""
        reader: Any = self.learners["network"].module.reader
        tensors = {name: tensor.cpu().numpy() for name, tensor in reader.state_dict().items()}
        return Encoding.of(self.metadata["kind"], self.metadata["reading"], self.config, tensors)

    def _learner(self, network: Predictor) -> Learner:
        held = 0 if self.metadata.get("released") else self.config.freeze
        self.frozen = freeze(network, held)
        return Learner(network, self.loss, self.config, layer_scales(network, self.config.layer_decay))

    def _release_if_due(self) -> None:
        """Let the frozen layers learn too, with a new optimizer, once it is time."""
        after = self.config.unfreeze_after
        if self.frozen and after and self.step == after * self.loader().steps_per_epoch:
            self.metadata["released"] = True
            network: Any = self.learners["network"].module.requires_grad_(True)
            self.learners = {"network": self._learner(network)}
            self.prepare(self.step)
            self.train(True)
