"""A network that reads rows and says something about each."""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from .data import Batch
from .encoders import has_batch_statistics


class Predictor(nn.Module):
    """A reader of rows, and a linear head on its features."""

    def __init__(self, reader: Any, outputs: int):
        super().__init__()
        self.reader = reader
        self.head = nn.Linear(reader.feature_size, outputs)

    @property
    def compiles(self) -> bool:
        """Whether a gradient step can be compiled whole: no statistics of a batch are written down on the way."""
        return getattr(self.reader, "compiles", True) and not has_batch_statistics(self)

    def forward(self, batch: Batch) -> Float[Tensor, "row output"]:
        """Return the outputs for each row."""
        return self.head(self.reader(batch))
