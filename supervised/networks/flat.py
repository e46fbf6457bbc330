"""Inputs as they are."""

from jaxtyping import Float
from torch import Tensor

from .encoder import Memoryless


class Flat(Memoryless):
    """Pass vectors on as they are."""

    def __init__(self, size: int):
        super().__init__()
        self.feature_size = size

    def encode(self, inputs: Float[Tensor, "row size"]) -> Float[Tensor, "row size"]:
        return inputs


class FlatImage(Memoryless):
    """Read an image as a vector."""

    def __init__(self, channels: int, height: int, width: int):
        super().__init__()
        self.feature_size = channels * height * width

    def encode(self, inputs: Float[Tensor, "row channel height width"]) -> Float[Tensor, "row size"]:
        return inputs.flatten(1)
