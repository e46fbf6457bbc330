"""Encoders and decoders for rows of a shape, as a config names them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from sandlot.supervised.modalities.images import image_encoder
from sandlot.supervised.networks import MLP, ConvDecoder, MapNormalization, MLPDecoder, RowEncoder
from sandlot.supervised.transfer.trained_encoder import TrainedEncoder
from sandlot.tracking import SandlotError, require

from .config import GenerativeConfig


def build_encoder(shape: Sequence[int], config: GenerativeConfig) -> RowEncoder:
    """Return a new encoder of rows of `shape`, which is an image's if it has three dimensions."""
    if len(shape) == 3:
        return image_encoder((shape[0], shape[1], shape[2]), with_image_network(config))
    if config.network not in ("auto", "mlp"):
        raise SandlotError(f"the network {config.network!r} does not read tables; mlp does")
    return MLP(shape[0], config.hidden, config.activation, config.normalization, config.dropout)


def build_decoder(
    input_size: int, shape: Sequence[int], config: GenerativeConfig, normalization: MapNormalization = "none"
) -> nn.Module:
    """Return a new decoder from vectors of `input_size` to rows of `shape`."""
    if len(shape) == 3 and config.network != "mlp":
        image_shape = (shape[0], shape[1], shape[2])
        return ConvDecoder(input_size, image_shape, config.widths, normalization, config.upsampling)
    return MLPDecoder(input_size, shape, config.hidden[::-1], config.activation)


def export_encoder(encoder: RowEncoder, metadata: Mapping[str, Any], config: GenerativeConfig) -> TrainedEncoder:
    """Return an encoder with its weights and preprocessing, for an agent or another task to start from."""
    tensors = {f"encoder.{name}": value.cpu().numpy() for name, value in encoder.state_dict().items()}
    if metadata["kind"] != "images":
        return TrainedEncoder.of(metadata["kind"], metadata["preprocessing"], config, tensors)
    channels = metadata["shape"][0]
    scaling = {"mean": [0.0] * channels, "std": [255.0] * channels}
    return TrainedEncoder.of("images", {**metadata["preprocessing"], **scaling}, with_image_network(config), tensors)


def with_image_network(config: GenerativeConfig) -> GenerativeConfig:
    """Return the config with the network that auto means for images."""
    return replace(config, network="strided") if config.network == "auto" else config


def truncated_normal(shape: tuple[int, int], truncation: float, device: torch.device) -> Tensor:
    """Return standard normal numbers from -truncation to truncation alone."""
    require(truncation > 0, "truncation must be positive", truncation)
    return nn.init.trunc_normal_(torch.empty(shape, device=device), a=-truncation, b=truncation)
