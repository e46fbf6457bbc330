"""The networks of a model, for rows of a shape."""

from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from sandlot.supervised.encoder_builder import build_vector_encoder
from sandlot.supervised.modalities.images import image_encoder
from sandlot.supervised.networks import ConvDecoder, MapNormalization, MLPDecoder
from sandlot.tracking import SandlotError

from .config import GenerativeConfig


def encoder_of(shape: Sequence[int], config: GenerativeConfig) -> nn.Module:
    """Return what reads rows of `shape`: the memoryless network that the config names."""
    if len(shape) == 3:
        return image_encoder((shape[0], shape[1], shape[2]), named(config))
    if config.network not in ("auto", "mlp"):
        raise SandlotError(f"the network {config.network!r} does not read tables; mlp does")
    return build_vector_encoder("mlp", shape[0], config)


def decoder_of(
    size: int, shape: Sequence[int], config: GenerativeConfig, normalization: MapNormalization = "none"
) -> nn.Module:
    """Return what makes rows of `shape` from vectors of `size`."""
    if len(shape) == 3 and config.network != "mlp":
        images = (shape[0], shape[1], shape[2])
        return ConvDecoder(size, images, config.widths, normalization, config.upsampling)
    return MLPDecoder(size, shape, config.hidden[::-1], config.activation)


def named(config: GenerativeConfig) -> GenerativeConfig:
    """Return the config with the network for images that auto stands for."""
    return replace(config, network="strided") if config.network == "auto" else config
