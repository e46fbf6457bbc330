"""A network that reads rows and says something about each."""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from sandlot.supervised.data import Batch


class Predictor(nn.Module):
    """A reader of rows, and a linear head on its features."""

    def __init__(self, reader: Any, outputs: int):
        super().__init__()
        self.reader = reader
        self.head = nn.Linear(reader.feature_size, outputs)

    @property
    def compiles(self) -> bool:
        """Whether a gradient step can be compiled whole."""
        return getattr(self.reader, "compiles", True)

    def forward(self, batch: Batch) -> Float[Tensor, "row output"]:
        """Return the outputs for each row."""
        return self.head(self.reader(batch))
