"""A convolutional network for boards."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.supervised.networks.encoder import Memoryless
from sandlot.supervised.networks.layers.initialize import orthogonal

WINDOW = 4
"""Cells a side of what is looked at together."""


class BoardCNN(Memoryless):
    """Encode boards by what is in each window of 4×4 cells, alike for all windows.

    A pattern that was learned in one place is known in all of them, at little more than the cost of an MLP's layer.
    Cells are read as vectors, row by row, each with its channels, as boards of games come.
    """

    def __init__(self, height: int, width: int, channels: int, features: int = 32):
        super().__init__()
        self.shape = (height, width, channels)
        window = (min(WINDOW, height), min(WINDOW, width))
        self.convolution = orthogonal(nn.Conv2d(channels, features, window), gain=2**0.5)
        self.feature_size = features * (height - window[0] + 1) * (width - window[1] + 1)

    def encode(self, inputs: Float[Tensor, "row size"]) -> Float[Tensor, "row feature"]:
        board = inputs.unflatten(1, self.shape).permute(0, 3, 1, 2)
        return torch.relu(self.convolution(board)).flatten(1)
