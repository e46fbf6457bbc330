"""From the name of a network to the encoder that reads an agent's observations."""

import logging
from dataclasses import dataclass
from functools import cache

from sandlot.envs import tree_leaves
from sandlot.supervised.encoder_builder import (
    BOARD,
    IMAGE_NETWORKS,
    MEMORY_NETWORKS,
    EncoderConfig,
    build_image_encoder,
    build_vector_encoder,
    custom_encoder,
    is_custom,
)
from sandlot.supervised.networks import (
    BoardCNN,
    Concat,
    Embedding,
    Encoder,
    Flat,
    FlatImage,
    NatureCNN,
    Sequential,
    StridedCNN,
)
from sandlot.supervised.networks.images.nature import SMALLEST_IMAGE
from sandlot.tracking import SandlotError

from .observations import (
    CompositePreprocessor,
    ImagePreprocessor,
    MaskedPreprocessor,
    ObservationPreprocessor,
    OneHotPreprocessor,
    VectorPreprocessor,
)

MANY_PARAMETERS = 10_000_000
"""Parameters of an encoder from which on a warning says what makes it smaller."""
SMALL_WIDTHS = (32, 64)
"""Channels of the convolutions that read images too small for DQN's, where nobody says."""


@dataclass(frozen=True, kw_only=True)
class NetworkConfig(EncoderConfig):
    """What reads the observations."""

    cnn = NatureCNN

    freeze: bool = False
    """Leave the encoder as it is, which makes sense for one that was trained before (--encoder)."""
    normalize_observations: bool = False
    """Shift and scale vector observations to mean 0 and variance 1 by running statistics."""


def reader_before_mlp(inputs: ObservationPreprocessor, config: NetworkConfig) -> Encoder:
    """Return a new encoder, as `config` says, for what `inputs` gives, of which an MLP is to read the features."""
    flat = config.network == "auto" or (config.network == "mlp" and not has_images(inputs))
    return tell_size(reader_for(inputs, "flat", config), inputs) if flat else encoder_for(inputs, config)


def encoder_for(inputs: ObservationPreprocessor, config: NetworkConfig) -> Encoder:
    """Return a new encoder, as `config` says, for what `inputs` gives."""
    first, *rest = config.network.split("+")
    if first in MEMORY_NETWORKS:
        first, rest = "flat", [first, *rest]
    try:
        encoders = [reader_for(inputs, first, config).requires_grad_(not config.freeze)]
        for name in rest:
            encoders.append(build_vector_encoder(name, encoders[-1].feature_size, config))
    except ValueError as error:
        raise SandlotError(str(error)) from error
    return tell_size(encoders[0] if len(encoders) == 1 else Sequential(encoders), inputs)


def tell_size(encoder: Encoder, inputs: ObservationPreprocessor) -> Encoder:
    """Return `encoder`, after a warning if it has very many parameters, with what makes it smaller."""
    parameters = sum(parameter.numel() for parameter in encoder.parameters())
    if parameters > MANY_PARAMETERS:
        images = [part for part in inputs.modules() if isinstance(part, ImagePreprocessor)]
        sizes = ", ".join(f"{image.height}×{image.width}" for image in images)
        smaller = f"; resize=84 (--resize 84) makes the images smaller, which are {sizes}" if images else ""
        _warn(f"the network that reads the observations has {parameters / 1e6:.0f} million parameters{smaller}")
    return encoder


@cache
def _warn(message: str) -> None:
    logging.getLogger("sandlot").warning(message)


def reader_for(inputs: ObservationPreprocessor, name: str, config: NetworkConfig) -> Encoder:
    """Return the encoder called `name` for observations: of several parts, one for each."""
    match inputs:
        case MaskedPreprocessor():
            return reader_for(inputs.rest, name, config)
        case CompositePreprocessor():
            named = {key: reader_for(part, _for_part(part, name), config) for key, part in inputs.parts.items()}  # pyright: ignore[reportArgumentType]
            return Concat(named)
        case ImagePreprocessor() if name in ("auto", "flat") and min(inputs.height, inputs.width) < SMALLEST_IMAGE:
            return StridedCNN(inputs.channels, inputs.height, inputs.width, SMALL_WIDTHS)
        case ImagePreprocessor() if name == BOARD:
            return BoardCNN(inputs.height, inputs.width, inputs.channels, channels_first=True)
        case ImagePreprocessor() if name in ("auto", "flat", *IMAGE_NETWORKS) or is_custom(name):
            shape = (inputs.channels, inputs.height, inputs.width)
            return build_image_encoder(shape, "cnn" if name in ("auto", "flat") else name, config)
        case ImagePreprocessor():
            flat = FlatImage(inputs.channels, inputs.height, inputs.width)
            return Sequential([flat, build_vector_encoder(name, flat.feature_size, config)])
        case OneHotPreprocessor(embedded=True) if name in ("auto", "mlp", "flat") or is_custom(name):
            table = Embedding(inputs.size, len(inputs.choices))
            vector = "mlp" if name == "auto" else name
            return (
                table
                if name == "flat"
                else Sequential([table, build_vector_encoder(vector, table.feature_size, config)])
            )
        case VectorPreprocessor() | OneHotPreprocessor() if name in ("auto", "mlp"):
            return build_vector_encoder("mlp", inputs.size, config)
        case VectorPreprocessor() | OneHotPreprocessor() if is_custom(name):
            return custom_encoder(name, inputs.size)
        case VectorPreprocessor() | OneHotPreprocessor() if name == "flat":
            return Flat(inputs.size)
        case VectorPreprocessor(shape=(height, width, channels)) if name == BOARD:
            return BoardCNN(height, width, channels)
        case _ if name == BOARD:
            raise SandlotError("the network 'board' reads rows and columns of cells, and these observations are none")
        case _:
            raise SandlotError(
                f"the network {name!r} reads images, and these observations are none; try mlp in its place"
            )


def _for_part(part: ObservationPreprocessor, name: str) -> str:
    """Return the network for one part of several: one for images serves the images among them, an MLP the rest."""
    if name == BOARD and not isinstance(part, ImagePreprocessor | CompositePreprocessor | MaskedPreprocessor):
        return name if len(getattr(part, "shape", ())) == 3 else "mlp"
    return "mlp" if name in IMAGE_NETWORKS and not isinstance(part, ImagePreprocessor) else name


def has_memory(encoder: Encoder) -> bool:
    """Return whether `encoder` carries anything between steps."""
    return any(True for _ in tree_leaves(encoder.initial_memory(1)))


def has_images(inputs: ObservationPreprocessor) -> bool:
    """Return whether there are images among the inputs."""
    return any(isinstance(part, ImagePreprocessor) for part in inputs.modules())
