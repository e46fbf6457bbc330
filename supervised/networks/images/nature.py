"""The convolutional network of DQN."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.supervised.networks.encoder import Memoryless
from sandlot.supervised.networks.layers.initialize import orthogonal

SMALLEST_IMAGE = 36
"""Smallest side, in pixels, that the three convolutions can read."""


class NatureCNN(Memoryless):
    """Encode images with the three convolutions of DQN and a linear layer.

    Source: Mnih et al., "Human-level control through deep reinforcement learning", 2015, methods.
    """

    def __init__(self, channels: int, height: int, width: int, feature_size: int = 512):
        super().__init__()
        if min(height, width) < SMALLEST_IMAGE:
            raise ValueError(
                f"the CNN needs images of at least {SMALLEST_IMAGE}×{SMALLEST_IMAGE} pixels, not {height}×{width}"
            )
        gain = 2**0.5
        self.convolutions = nn.Sequential(
            orthogonal(nn.Conv2d(channels, 32, kernel_size=8, stride=4), gain),
            nn.ReLU(),
            orthogonal(nn.Conv2d(32, 64, kernel_size=4, stride=2), gain),
            nn.ReLU(),
            orthogonal(nn.Conv2d(64, 64, kernel_size=3, stride=1), gain),
            nn.ReLU(),
            nn.Flatten(),
        )
        with torch.no_grad():
            size = self.convolutions(torch.zeros(1, channels, height, width)).shape[1]
        self.project = nn.Sequential(orthogonal(nn.Linear(size, feature_size), gain), nn.ReLU())
        self.feature_size = feature_size

    def encode(self, inputs: Float[Tensor, "row channel height width"]) -> Float[Tensor, "row feature"]:
        return self.project(self.convolutions(inputs))
