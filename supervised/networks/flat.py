"""Encoders without parameters."""

from jaxtyping import Float
from torch import Tensor

from .encoder import Memoryless


class Flat(Memoryless):
    """Return vectors unchanged."""

    def __init__(self, size: int):
        super().__init__()
        self.feature_size = size

    def encode(self, inputs: Float[Tensor, "row size"]) -> Float[Tensor, "row size"]:
        return inputs


class FlatImage(Memoryless):
    """Flatten images to vectors."""

    def __init__(self, channels: int, height: int, width: int):
        super().__init__()
        self.feature_size = channels * height * width

    def encode(self, inputs: Float[Tensor, "row channel height width"]) -> Float[Tensor, "row size"]:
        return inputs.flatten(1)
