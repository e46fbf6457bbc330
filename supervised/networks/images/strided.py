"""A strided convolutional network."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from sandlot.supervised.networks.encoder import Memoryless

from .sizes import halving_kernel, pyramid

Images = Float[Tensor, "row channel height width"]
MapNormalization = Literal["none", "batch", "layer"]
LEAK = 0.2
"""Slope of the leaky ReLUs for negative inputs."""


class StridedCNN(Memoryless):
    """Encode images with convolutions of stride 2, as discriminators and encoders of generative models do.

    Once the maps of small images can't be halved any further, the remaining convolutions have stride 1.

    Source: Radford et al., "Unsupervised representation learning with deep convolutional generative adversarial
    networks", 2016, section 3.
    """

    def __init__(
        self,
        channels: int,
        height: int,
        width: int,
        widths: Sequence[int] = (32, 64, 128),
        normalization: MapNormalization = "none",
    ):
        super().__init__()
        sizes = pyramid(height, width, len(widths))
        layers: list[nn.Module] = []
        for place, (before, after) in enumerate(pairwise((channels, *widths))):
            halves = place + 1 < len(sizes)
            kernel = halving_kernel(sizes[place]) if halves else 3
            layers.append(nn.Conv2d(before, after, kernel, stride=2 if halves else 1, padding=1))
            if place:
                layers += map_normalization(normalization, after)
            layers.append(nn.LeakyReLU(LEAK))
        self.layers = nn.Sequential(*layers)
        self.map_shape = (widths[-1], *sizes[-1])
        """Channels, height and width of the last feature maps."""
        self.feature_size = widths[-1] * sizes[-1][0] * sizes[-1][1]

    def maps(
        self, inputs: Float[Tensor, "row channel height width"]
    ) -> Float[Tensor, "row map small_height small_width"]:
        """Return the last feature maps, which `encode` flattens."""
        return self.layers(inputs)

    def encode(self, inputs: Images) -> Float[Tensor, "row feature"]:
        return self.maps(inputs).flatten(1)


def map_normalization(kind: MapNormalization, channels: int) -> list[nn.Module]:
    """Return the normalisation layer called `kind`, in a list that is empty for none."""
    match kind:
        case "batch":
            return [nn.BatchNorm2d(channels)]
        case "layer":
            return [nn.GroupNorm(1, channels)]
        case _:
            return []
