"""Multi-layer perceptrons."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from sandlot.supervised.networks.layers.initialize import orthogonal
from sandlot.tracking.common.memory import require_memory

from .encoder import Memoryless

Activation = Literal["tanh", "relu", "gelu", "silu", "elu", "sigmoid"]

Normalization = Literal["none", "layer", "batch"]

ADAM_BYTES = 16
"""Bytes of a weight, its gradient and Adam's two averages."""
ACTIVATIONS: dict[str, type[nn.Module]] = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "elu": nn.ELU,
    "sigmoid": nn.Sigmoid,
}
NORMALIZATIONS: dict[str, type[nn.Module]] = {"layer": nn.LayerNorm, "batch": nn.BatchNorm1d}


class MLP(Memoryless):
    """Encode vectors with fully connected layers: linear, normalisation, activation, dropout.

    Args:
        input_size: Size of the input vectors.
        hidden: Sizes of the layers; the last is the feature size.
        activation: Activation after each layer.
        normalization: Normalisation before each activation.
        dropout: Dropout probability after each activation.
    """

    def __init__(
        self,
        input_size: int,
        hidden: Sequence[int] = (64, 64),
        activation: Activation = "tanh",
        normalization: Normalization = "none",
        dropout: float = 0.0,
    ):
        super().__init__()
        weights = sum(before * after for before, after in pairwise([input_size, *hidden]))
        require_memory(ADAM_BYTES * weights, f"an MLP of {weights:,} weights", "hidden")
        layers: list[nn.Module] = []
        for size in hidden:
            layers.append(orthogonal(nn.Linear(input_size, size), gain=2**0.5))
            if normalization != "none":
                layers.append(NORMALIZATIONS[normalization](size))
            layers.append(ACTIVATIONS[activation]())
            if dropout:
                layers.append(nn.Dropout(dropout))
            input_size = size
        self.layers = nn.Sequential(*layers)
        self.feature_size = input_size

    def encode(self, inputs: Float[Tensor, "row size"]) -> Float[Tensor, "row feature"]:
        return self.layers(inputs)
