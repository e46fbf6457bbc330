"""Multi-layer perceptrons."""

from collections.abc import Sequence
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from .encoder import Memoryless
from .initialize import orthogonal

Activation = Literal["tanh", "relu", "gelu", "silu", "elu", "sigmoid"]

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "elu": nn.ELU,
    "sigmoid": nn.Sigmoid,
}


class MLP(Memoryless):
    """Encode vectors with fully connected layers, an activation after each."""

    def __init__(self, input_size: int, hidden: Sequence[int] = (64, 64), activation: Activation = "tanh"):
        super().__init__()
        layers: list[nn.Module] = []
        for size in hidden:
            layers += [orthogonal(nn.Linear(input_size, size), gain=2**0.5), ACTIVATIONS[activation]()]
            input_size = size
        self.layers = nn.Sequential(*layers)
        self.feature_size = input_size

    def encode(self, inputs: Float[Tensor, "row size"]) -> Float[Tensor, "row feature"]:
        return self.layers(inputs)
