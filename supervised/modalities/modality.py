"""The interface of kinds of inputs, and of the networks that encode them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from sandlot.supervised.data import Batch, DataConfig, Frame
from sandlot.supervised.encoder_builder import EncoderConfig

Metadata = dict[str, Any]
"""What the preprocessing of inputs has computed from the train split, as JSON."""


class Backbone(nn.Module, ABC):
    """Encode the rows of a batch: the part of a predictor below its head."""

    compiles: bool = True
    """Whether a gradient step through it can be compiled whole."""
    feature_size: int

    @abstractmethod
    def forward(self, batch: Batch) -> Float[Tensor, "row feature"]:
        """Return the features of each row."""


class Modality(ABC):
    """A kind of inputs: how its preprocessing is fitted and applied, and which backbone encodes it."""

    @abstractmethod
    def fit(self, train: Frame, columns: Sequence[str], config: DataConfig) -> Metadata:
        """Compute the preprocessing of `columns` from the train split."""

    @abstractmethod
    def encode(self, frame: Frame, metadata: Metadata) -> dict[str, Tensor]:
        """Convert the inputs of each row to tensors."""

    @abstractmethod
    def backbone(self, metadata: Metadata, config: EncoderConfig) -> Backbone:
        """Return a new network for such inputs."""
