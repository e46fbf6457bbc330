"""Encoders that hand vectors, images and indices on as vectors."""

from jaxtyping import Float, Int
from torch import Tensor, nn

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


class Embedding(Memoryless):
    """Look up a learned vector for each of a row's choices, all of which share a table of `choices` entries."""

    def __init__(self, choices: int, count: int, size: int = 16):
        super().__init__()
        self.table = nn.Embedding(choices, size)
        self.feature_size = count * size

    def encode(self, inputs: Int[Tensor, "row choice"]) -> Float[Tensor, "row size"]:
        return self.table(inputs).flatten(1)
