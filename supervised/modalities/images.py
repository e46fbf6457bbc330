"""Images as inputs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from sandlot.supervised.data import Batch, Frame
from sandlot.supervised.encoder_builder import IMAGE_READERS, following, image_reader, is_custom
from sandlot.supervised.networks import Encoder, FlatImage, Sequential
from sandlot.tracking import SandlotError

from .columns import IMAGE
from .pretrained import MODEL, pretrained_images


class Images:
    """Images of one shape, scaled by the mean and deviation of each channel."""

    def learn(self, train: Frame, columns: Sequence[str], config: Any) -> dict[str, Any]:
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
                f"channel(s), and those of the training {width}×{height} and {channels}; make them alike with "
                f"--image-size and --image-mode"
            )
        return {IMAGE: torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))}

    def reader(self, metadata: dict[str, Any], config: Any) -> nn.Module:
        if MODEL in metadata:
            return pretrained_images(metadata[MODEL], config.dropout)
        return ImageReader(tuple(metadata["shape"]), metadata["mean"], metadata["std"], config)


class ImageReader(nn.Module):
    """Scale images and encode them."""

    mean: Tensor
    std: Tensor

    def __init__(self, shape: tuple[int, int, int], mean: Sequence[float], std: Sequence[float], config: Any):
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


def image_encoder(shape: tuple[int, int, int], config: Any) -> Any:
    """Return the memoryless encoder that `config.network` names, for images of `shape`."""
    name = "cnn" if config.network == "auto" else config.network
    try:
        if name in IMAGE_READERS or is_custom(name):
            return image_reader(shape, name, config)
        if name == "mlp":
            flat = FlatImage(*shape)
            return MemorylessSequential([flat, following("mlp", flat.feature_size, config)])
    except ValueError as error:
        raise SandlotError(str(error)) from error
    raise SandlotError(f"the network {name!r} does not read images; {', '.join((*IMAGE_READERS, 'mlp'))} do")


class MemorylessSequential(Sequential):
    """Encoders without memory, one after the other."""

    def __init__(self, encoders: Sequence[Encoder]):
        super().__init__(encoders)

    def encode(self, inputs: Tensor) -> Float[Tensor, "row feature"]:
        """Return the features of each row."""
        for encoder in self.encoders:
            inputs = encoder.encode(inputs)  # pyright: ignore[reportCallIssue]
        return inputs
