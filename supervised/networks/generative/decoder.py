"""From latent vectors back to what was encoded."""

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
    """Decode vectors with fully connected layers to rows of any shape."""

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
    """Decode maps to images with convolutions that double them: the mirror of a `StridedCNN`.

    Transposed convolutions are the faster way. Resized maps leave no checkerboards (Odena et al.,
    "Deconvolution and checkerboard artifacts", 2016).
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
        for place, (after, before) in reversed(list(enumerate(pairwise((channels, *widths))))):
            doubles = place + 1 < len(sizes)
            layers += (
                _doubling(before, after, sizes[place], upsampling) if doubles else [nn.Conv2d(before, after, 3, 1, 1)]
            )
            if place:
                layers += [*map_normalization(normalization, after), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.map_shape = (widths[-1], *sizes[-1])
        """Channels, height and width of the maps that it decodes."""

    def forward(self, maps: Float[Tensor, "row map small_height small_width"]) -> Images:
        """Return an image for each row's maps."""
        return self.layers(maps)


class ConvDecoder(nn.Module):
    """Decode vectors to images: a linear layer to maps, and what doubles these.

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
        first = [nn.Linear(input_size, prod(maps.map_shape)), nn.Unflatten(1, maps.map_shape)]
        self.layers = nn.Sequential(*first, *map_normalization(normalization, widths[-1]), nn.ReLU(), maps)

    def forward(self, latent: Float[Tensor, "row latent"]) -> Images:
        """Return an image for each latent vector."""
        return self.layers(latent)


def _doubling(before: int, after: int, size: tuple[int, int], upsampling: Upsampling) -> list[nn.Module]:
    if upsampling == "resize":
        return [nn.Upsample(size), nn.Conv2d(before, after, 3, 1, 1)]
    return [nn.ConvTranspose2d(before, after, halving_kernel(size), stride=2, padding=1)]
