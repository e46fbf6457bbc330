"""A convolutional network for small images."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.supervised.networks.encoder import Memoryless

SMALLEST_MAP = 4
"""Feature maps are not pooled below this many pixels a side."""


class ConvNet(Memoryless):
    """Encode images with pairs of batch-normalised 3×3 convolutions, each pair followed by max pooling.

    Global average pooling at the end makes the features independent of the images' size.

    Source: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015;
    Ioffe and Szegedy, "Batch normalization", 2015; Lin et al., "Network in network", 2014, for the average.
    """

    def __init__(
        self, channels: int, height: int, width: int, widths: tuple[int, ...] = (32, 64, 128), dropout: float = 0.0
    ):
        super().__init__()
        layers: list[nn.Module] = []
        side = min(height, width)
        for size in widths:
            layers += [*_convolution(channels, size), *_convolution(size, size)]
            channels = size
            if side >= 2 * SMALLEST_MAP:
                layers.append(nn.MaxPool2d(2))
                side //= 2
            if dropout:
                layers.append(nn.Dropout(dropout))
        self.layers = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.feature_size = channels

    def encode(self, inputs: Float[Tensor, "row channel height width"]) -> Float[Tensor, "row feature"]:
        # Channels last from the first convolution on: a fifth faster on CPUs, and on GPUs in bfloat16.
        maps = self.layers[0](inputs).contiguous(memory_format=torch.channels_last)
        return self.layers[1:](maps)


def _convolution(channels: int, size: int) -> list[nn.Module]:
    layer = nn.Conv2d(channels, size, 3, padding=1, bias=False)
    torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return [layer, nn.BatchNorm2d(size), nn.ReLU()]
