"""A convolutional network for boards."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.supervised.networks.encoder import Memoryless
from sandlot.supervised.networks.layers.initialize import orthogonal

WINDOW = 4
"""Side of the convolution's window, in cells."""


class BoardCNN(Memoryless):
    """Encode boards of games with one convolution over windows of 4×4 cells.

    A pattern learned in one place is recognised everywhere, at little more than the cost of an MLP's layer.
    Inputs are boards flattened row by row, channels last; or images, with `channels_first`.
    """

    def __init__(self, height: int, width: int, channels: int, features: int = 32, *, channels_first: bool = False):
        super().__init__()
        self.channels_first = channels_first
        self.shape = (height, width, channels)
        window = (min(WINDOW, height), min(WINDOW, width))
        self.convolution = orthogonal(nn.Conv2d(channels, features, window), gain=2**0.5)
        self.feature_size = features * (height - window[0] + 1) * (width - window[1] + 1)

    def encode(self, inputs: Float[Tensor, "row *size"]) -> Float[Tensor, "row feature"]:
        board = inputs if self.channels_first else inputs.unflatten(1, self.shape).permute(0, 3, 1, 2)
        return torch.relu(self.convolution(board)).flatten(1)
