"""Decoders: from latent vectors, or feature maps, to rows."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from sandlot.supervised.networks.images.sizes import halving_kernel, pyramid
from sandlot.supervised.networks.images.strided import MapNormalization, map_normalization
from sandlot.supervised.networks.mlp import MLP, Activation

Upsampling = Literal["transposed", "resize"]
Images = Float[Tensor, "row channel height width"]


class MLPDecoder(nn.Module):
    """Decode latent vectors to rows of any shape with fully connected layers."""

    def __init__(self, input_size: int, shape: Sequence[int], hidden: Sequence[int], activation: Activation = "relu"):
        super().__init__()
        body = MLP(input_size, hidden, activation)
        self.layers = nn.Sequential(
            body.layers, nn.Linear(body.feature_size, prod(shape)), nn.Unflatten(1, tuple(shape))
        )

    def forward(self, latent: Float[Tensor, "row latent"]) -> Float[Tensor, "row ..."]:
        """Return a row for each latent vector."""
        return self.layers(latent)


class MapDecoder(nn.Module):
    """Decode feature maps to images with convolutions that double their sides: the mirror of a `StridedCNN`.

    Transposed convolutions are faster; resizing before a plain convolution avoids checkerboard artifacts (Odena et
    al., "Deconvolution and checkerboard artifacts", 2016).
    """

    def __init__(
        self,
        channels: int,
        height: int,
        width: int,
        widths: Sequence[int] = (32, 64, 128),
        normalization: MapNormalization = "none",
        upsampling: Upsampling = "transposed",
    ):
        super().__init__()
        sizes = pyramid(height, width, len(widths))
        layers: list[nn.Module] = []
        for level, (out_channels, in_channels) in reversed(list(enumerate(pairwise((channels, *widths))))):
            if level + 1 < len(sizes):
                layers += _upsample(in_channels, out_channels, sizes[level], upsampling)
            else:
                layers.append(nn.Conv2d(in_channels, out_channels, 3, 1, 1))
            if level:
                layers += [*map_normalization(normalization, out_channels), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.map_shape = (widths[-1], *sizes[-1])
        """Channels, height and width of the maps that it decodes."""

    def forward(self, maps: Float[Tensor, "row map small_height small_width"]) -> Images:
        """Return an image for the maps of each row."""
        return self.layers(maps)


class ConvDecoder(nn.Module):
    """Decode latent vectors to images: a linear layer to feature maps, then a `MapDecoder`.

    Source: Radford et al., "Unsupervised representation learning with deep convolutional generative adversarial
    networks", 2016, section 3.
    """

    def __init__(
        self,
        input_size: int,
        shape: tuple[int, int, int],
        widths: Sequence[int] = (32, 64, 128),
        normalization: MapNormalization = "none",
        upsampling: Upsampling = "transposed",
    ):
        super().__init__()
        maps = MapDecoder(*shape, widths, normalization, upsampling)
        project = [nn.Linear(input_size, prod(maps.map_shape)), nn.Unflatten(1, maps.map_shape)]
        self.layers = nn.Sequential(*project, *map_normalization(normalization, widths[-1]), nn.ReLU(), maps)

    def forward(self, latent: Float[Tensor, "row latent"]) -> Images:
        """Return an image for each latent vector."""
        return self.layers(latent)


def _upsample(in_channels: int, out_channels: int, size: tuple[int, int], upsampling: Upsampling) -> list[nn.Module]:
    """Return layers that double the sides of their maps, to `size`."""
    if upsampling == "resize":
        return [nn.Upsample(size), nn.Conv2d(in_channels, out_channels, 3, 1, 1)]
    return [nn.ConvTranspose2d(in_channels, out_channels, halving_kernel(size), stride=2, padding=1)]
