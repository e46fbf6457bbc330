"""What classifiers and regressors share: one network that says something about each row."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tracking import SandlotError, require

from ..augment import Augmentation, augmented
from ..config import FitConfig
from ..data import Batch, Frame, Part, Split, stratified_split
from ..encoders import EncoderConfig
from ..learner import Learner
from ..mixup import mixed
from ..modalities import MODALITIES, modality_of
from ..modalities.images import IMAGE
from ..networks import Activation
from ..predictor import Predictor
from ..task import Task
from ..tokens import Units

TARGETS = ("label", "target", "class", "y")
TARGET = "target"


@dataclass(frozen=True, kw_only=True)
class PredictingConfig(FitConfig, EncoderConfig):
    """How a network learns to say something about rows."""

    learning_rate: float = 1e-3
    max_grad_norm: float = 1.0
    hidden: tuple[int, ...] = (256, 256)
    activation: Activation = "relu"
    memory_length: int = 128
    units: Units = "byte-pairs"
    """What texts are cut into."""
    vocabulary: int = 2000
    """Byte pairs that are learned, at most."""
    text_length: int = 256
    """Tokens of a text that are read."""
    augment: tuple[Augmentation, ...] = ()
    """Random changes of images while learning."""
    mixup: float = 0.0
    """How evenly pairs of rows are mixed while learning (α in the paper); 0 for not at all."""

    def __post_init__(self) -> None:
        FitConfig.__post_init__(self)
        EncoderConfig.__post_init__(self)
        for name in ("vocabulary", "text_length"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1", getattr(self, name))
        require(self.mixup >= 0, "mixup must be at least 0", self.mixup)


class PredictingTask(Task):
    """A task whose network gives a few numbers for each row. Subclasses say what they mean."""

    config: PredictingConfig

    @abstractmethod
    def learn_target(self, train: Frame) -> dict[str, Any]:
        """Return what there is to know of the target."""

    @abstractmethod
    def encode_target(self, frame: Frame) -> Tensor:
        """Return the target of each row."""

    @abstractmethod
    def strata(self, frame: Frame) -> np.ndarray:
        """Return what each part of the data should have the same mix of, for each row."""

    @abstractmethod
    def loss(self, module: Any, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch, and what to log."""

    @property
    def outputs(self) -> int:
        """Numbers that the network gives for a row."""
        return 1

    @property
    def target(self) -> str:
        """The column to predict."""
        return self.facts["target"]

    def find_columns(self, frame: Frame) -> dict[str, Any]:
        target = self.config.target or next((name for name in TARGETS if name in frame.columns), None)
        target = target or list(frame.columns)[-1]
        frame.column(target)
        columns = self.config.columns or tuple(name for name in frame.columns if name != target)
        if not columns or target in columns:
            raise SandlotError(f"there must be columns beside {target!r} to predict it from, in {frame.name}")
        kind, columns = modality_of(frame, columns)
        return {"target": target, "kind": kind, "inputs": columns}

    def share_out(self, frame: Frame) -> Split:
        shares = (self.config.validation_share, self.config.test_share)
        return stratified_split(frame, self.facts["inputs"], self.strata(frame), *shares, self.seed)

    def learn_facts(self, train: Frame) -> dict[str, Any]:
        reading = MODALITIES[self.facts["kind"]].learn(train, self.facts["inputs"], self.config)
        return {"reading": reading, **self.learn_target(train)}

    def encode(self, frame: Frame) -> dict[str, Tensor]:
        return {**self.encode_inputs(frame), TARGET: self.encode_target(frame)}

    def encode_inputs(self, frame: Frame) -> dict[str, Tensor]:
        """Return what is read of each row, as tensors."""
        return MODALITIES[self.facts["kind"]].encode(frame, self.facts["reading"])

    def build(self) -> dict[str, Learner]:
        reader = MODALITIES[self.facts["kind"]].reader(self.facts["reading"], self.config)
        return {"network": Learner(Predictor(reader, self.outputs), self.loss, self.config)}

    def train_step(self, batches: Sequence[Batch]) -> None:
        self.learners["network"].step(*map(self.varied, batches))

    def varied(self, batch: Batch) -> Batch:
        """Return a batch with its images changed and its rows mixed, as the config says."""
        if self.config.augment and self.facts["kind"] == "images":
            batch = {**batch, IMAGE: augmented(batch[IMAGE], self.config.augment)}
        return mixed(batch, self.config.mixup) if self.config.mixup else batch

    def predict(self, part: Part) -> Float[Tensor, "row output"]:
        """Return what the network gives for each row."""
        network = self.learners["network"].module
        return torch.cat([network(batch) for batch in part.batches(max(256, self.config.batch_size))])
