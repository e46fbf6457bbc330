"""Models of Hugging Face's `transformers`, and of timm, as readers of inputs."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from sandlot.supervised.data import Batch
from sandlot.supervised.networks.sequence.pooling import mean_over
from sandlot.tracking import SandlotError

from .columns import IMAGE, LENGTH, TOKENS

MODEL = "model"
"""Where the facts about inputs hold the model that reads them."""


class Preparation(nn.Module):
    """Make images as large and scaled as a model has learned them; grey ones become equal colours."""

    mean: Tensor
    std: Tensor

    def __init__(self, metadata: Mapping[str, Any]):
        super().__init__()
        self.size, self.channels = tuple(metadata["size"]), metadata["channels"]
        self.interpolation = metadata.get("interpolation", "bilinear")
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(metadata[name]).view(-1, 1, 1), persistent=False)

    def forward(self, batch: Batch) -> Float[Tensor, "row channel height width"]:
        """Return the images of `batch`, whose pixels are between 0 and 255, prepared."""
        image: Shaped[Tensor, "row channel height width"] = batch[IMAGE]
        scaled = image.float() / 255
        if scaled.shape[2:] != self.size:
            scaled = F.interpolate(scaled, self.size, mode=self.interpolation, antialias=True).clamp(0, 1)
        if scaled.shape[1] == 1:
            scaled = scaled.expand(-1, self.channels, -1, -1)
        return (scaled - self.mean) / self.std


class TimmImages(nn.Module):
    """Encode images with a model of timm, without its head, built anew from its name and arguments."""

    compiles = False

    def __init__(self, metadata: Mapping[str, Any], dropout: float):
        super().__init__()
        known = metadata["timm"]
        self.encoder = timm_library().create_model(
            known["architecture"], pretrained_cfg=known["made_for"], **known["arguments"] | {"num_classes": 0}
        )
        self.prepare = Preparation(metadata)
        self.drop = nn.Dropout(dropout)
        self.feature_size = int(getattr(self.encoder, "head_hidden_size", None) or self.encoder.num_features)

    def forward(self, batch: Batch) -> Float[Tensor, "row feature"]:
        """Return the features of each image."""
        return self.drop(self.encoder(self.prepare(batch)))


class PretrainedReader(nn.Module):
    """Encode rows with a model of `transformers`, without its head, built anew from its config."""

    compiles = False

    def __init__(self, metadata: Mapping[str, Any], dropout: float):
        super().__init__()
        transformers = transformers_library()
        known = dict(metadata["config"])
        config = transformers.AutoConfig.for_model(known.pop("model_type"), **known)
        self.encoder = transformers.AutoModel.from_config(config)
        self.drop = nn.Dropout(dropout)
        sizes = getattr(config, "hidden_sizes", None) or [config.hidden_size]
        self.feature_size = int(sizes[-1])


class PretrainedImages(PretrainedReader):
    """Encode images with a model of `transformers`."""

    def __init__(self, metadata: Mapping[str, Any], dropout: float):
        super().__init__(metadata, dropout)
        self.prepare = Preparation(metadata)

    def forward(self, batch: Batch) -> Float[Tensor, "row feature"]:
        """Return the features of each image."""
        found = self.encoder(pixel_values=self.prepare(batch))
        pooled = getattr(found, "pooler_output", None)
        return self.drop((found.last_hidden_state.mean(1) if pooled is None else pooled).flatten(1))


class PretrainedTexts(PretrainedReader):
    """Encode texts: the mean of what the model says of each token."""

    def forward(self, batch: Batch) -> Float[Tensor, "row feature"]:
        """Return the features of each text."""
        length = batch[LENGTH]
        tokens = batch[TOKENS][:, : int(length.max())]
        there = torch.arange(tokens.shape[1], device=tokens.device) < length[:, None]
        found = self.encoder(input_ids=tokens, attention_mask=there.long()).last_hidden_state
        return self.drop(mean_over(found.transpose(0, 1), length))


def pretrained_images(metadata: Mapping[str, Any], dropout: float) -> TimmImages | PretrainedImages:
    """Return the reader of images that `metadata` tell of."""
    return (TimmImages if "timm" in metadata else PretrainedImages)(metadata, dropout)


def transformers_library() -> Any:
    """Return the package, quiet; its import takes seconds."""
    try:
        import transformers
    except ImportError as error:
        raise SandlotError(
            "models of transformers need the package `transformers`: pip install 'sandlot[pretrained]'"
        ) from error
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return transformers


def timm_library() -> Any:
    """Return the package; its import takes seconds."""
    try:
        import timm  # pyright: ignore[reportMissingImports] (it needs a torchvision built for the torch here)
    except ImportError as error:
        raise SandlotError("models of timm need the package `timm`: pip install 'sandlot[timm]'") from error
    except RuntimeError as error:
        raise SandlotError(
            f"timm can't be imported: {str(error).splitlines()[0]}; "
            f"torchvision, which it needs, must be one for torch {torch.__version__}"
        ) from error
    return timm
