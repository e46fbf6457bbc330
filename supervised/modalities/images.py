"""Images as inputs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from sandlot.supervised.data import Batch, DataConfig, Frame
from sandlot.supervised.encoder_builder import (
    IMAGE_NETWORKS,
    EncoderConfig,
    build_image_encoder,
    build_mlp,
    is_custom,
)
from sandlot.supervised.networks import FlatImage, Memoryless, MemorylessSequential
from sandlot.tracking import SandlotError

from .columns import IMAGE
from .modality import Backbone, Modality
from .pretrained import MODEL, pretrained_images


class Images(Modality):
    """Images of one shape, standardised by the mean and standard deviation of each channel."""

    def fit(self, train: Frame, columns: Sequence[str], config: DataConfig) -> dict[str, Any]:
        pixels = train.columns[columns[0]]
        values = pixels.reshape(-1, pixels.shape[-1]).astype(np.float32)
        std = values.std(0)
        shape = [pixels.shape[3], pixels.shape[1], pixels.shape[2]]
        return {"columns": list(columns), "shape": shape, "mean": values.mean(0).tolist(),
                "std": np.where(std > 0, std, 1.0).tolist()}  # fmt: skip

    def encode(self, frame: Frame, metadata: dict[str, Any]) -> dict[str, Tensor]:
        pixels = frame.column(metadata["columns"][0])
        channels, height, width = metadata["shape"]
        if pixels.shape[1:] != (height, width, channels):
            raise SandlotError(
                f"the images of {frame.name} have {pixels.shape[2]}×{pixels.shape[1]} pixels and {pixels.shape[3]} "
                f"channel(s), and the training images {width}×{height} and {channels}; convert them with "
                f"--image-size and --image-mode"
            )
        return {IMAGE: torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))}

    def backbone(self, metadata: dict[str, Any], config: EncoderConfig) -> Backbone:
        if MODEL in metadata:
            return pretrained_images(metadata[MODEL], config.dropout)
        return ImageBackbone(tuple(metadata["shape"]), metadata["mean"], metadata["std"], config)


class ImageBackbone(Backbone):
    """Standardise images and encode them."""

    mean: Tensor
    std: Tensor

    def __init__(self, shape: tuple[int, int, int], mean: Sequence[float], std: Sequence[float], config: EncoderConfig):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1), persistent=False)
        self.encoder = image_encoder(shape, config)
        self.drop = nn.Dropout(config.dropout)
        self.feature_size = self.encoder.feature_size

    def forward(self, batch: Batch) -> Float[Tensor, "row feature"]:
        """Return the features of each image, whose pixels are between 0 and 255."""
        image: Shaped[Tensor, "row channel height width"] = batch[IMAGE]
        return self.drop(self.encoder.encode((image.float() - self.mean) / self.std))


def image_encoder(shape: tuple[int, int, int], config: EncoderConfig) -> Memoryless:
    """Return the encoder that `config.network` names, for images of `shape`."""
    name = "cnn" if config.network == "auto" else config.network
    try:
        if name in IMAGE_NETWORKS or is_custom(name):
            encoder = build_image_encoder(shape, name, config)
            if not isinstance(encoder, Memoryless):
                raise SandlotError(f"the network {name} has memory; one for images must be a subclass of Memoryless")
            return encoder
        if name == "mlp":
            flat = FlatImage(*shape)
            return MemorylessSequential([flat, build_mlp(flat.feature_size, config)])
    except ValueError as error:
        raise SandlotError(str(error)) from error
    raise SandlotError(f"the network {name!r} can't read images; choose from {', '.join((*IMAGE_NETWORKS, 'mlp'))}")
