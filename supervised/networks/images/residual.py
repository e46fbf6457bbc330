"""Residual convolutional networks."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.supervised.networks.encoder import Memoryless
from sandlot.supervised.networks.layers.initialize import orthogonal

Pooling = Literal["max", "average"]
POOLINGS: dict[str, type[nn.MaxPool2d] | type[nn.AvgPool2d]] = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}


class ImpalaCNN(Memoryless):
    """Encode images with three stages: a convolution, a pooling of stride 2, and two residual blocks.

    Source: Espeholt et al., "IMPALA", 2018, figure 3, the larger network.
    """

    def __init__(
        self,
        channels: int,
        height: int,
        width: int,
        widths: tuple[int, ...] = (16, 32, 32),
        pooling: Pooling = "max",
        feature_size: int = 256,
    ):
        super().__init__()
        smallest = 2 ** len(widths)
        if min(height, width) < smallest:
            raise ValueError(
                f"this network needs images of at least {smallest}×{smallest} pixels, not {height}×{width}"
            )
        stages: list[nn.Module] = []
        for size in widths:
            stages += [
                _convolution(channels, size),
                POOLINGS[pooling](3, stride=2, padding=1),
                Block(size),
                Block(size),
            ]
            channels = size
        self.stages = nn.Sequential(*stages, nn.ReLU(), nn.Flatten())
        with torch.no_grad():
            size = self.stages(torch.zeros(1, self.stages[0].in_channels, height, width)).shape[1]  # pyright: ignore
        self.project = nn.Sequential(orthogonal(nn.Linear(size, feature_size), gain=2**0.5), nn.ReLU())
        self.feature_size = feature_size

    def encode(self, inputs: Float[Tensor, "row channel height width"]) -> Float[Tensor, "row feature"]:
        return self.project(self.stages(inputs))


class Block(nn.Module):
    """Two convolutions with a skip connection."""

    def __init__(self, channels: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReLU(), _convolution(channels, channels), nn.ReLU(), _convolution(channels, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class ResNet(Memoryless):
    """Encode small images with three stages of normalised residual blocks and global average pooling.

    It uses group in place of batch normalisation, since the rows of a rollout are not independent samples.

    Source: He et al., "Deep residual learning for image recognition", 2016, section 4.2; Wu and He, "Group
    normalization", 2018.
    """

    def __init__(self, channels: int, blocks: int = 2, widths: tuple[int, ...] = (16, 32, 64)):
        super().__init__()
        layers: list[nn.Module] = [_convolution(channels, widths[0])]
        before = widths[0]
        for stage, size in enumerate(widths):
            for block in range(blocks):
                stride = 2 if stage and not block else 1
                layers.append(NormedBlock(before, size, stride))
                before = size
        self.layers = nn.Sequential(*layers, _norm(before), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.feature_size = before

    def encode(self, inputs: Float[Tensor, "row channel height width"]) -> Float[Tensor, "row feature"]:
        return self.layers(inputs)


class NormedBlock(nn.Module):
    """Two normalised convolutions with a skip connection, which is a 1×1 convolution where the shape changes."""

    def __init__(self, channels: int, size: int, stride: int):
        super().__init__()
        self.layers = nn.Sequential(
            _norm(channels), nn.ReLU(), _convolution(channels, size, stride), _norm(size), nn.ReLU(),
            _convolution(size, size),
        )  # fmt: skip
        same = channels == size and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(channels, size, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.layers(x)


def _convolution(channels: int, size: int, stride: int = 1) -> nn.Conv2d:
    layer = nn.Conv2d(channels, size, 3, stride=stride, padding=1)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)  # pyright: ignore[reportArgumentType]
    return layer


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(min(8, channels), channels)
