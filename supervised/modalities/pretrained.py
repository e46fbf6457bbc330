"""Models of Hugging Face's `transformers` and of timm as backbones."""

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
from .modality import Backbone
from .safe_configs import check_timm, transformers_config

MODEL = "model"
"""The key of the pretrained model's description in the metadata of inputs."""


class ImagePreprocessor(nn.Module):
    """Resize and normalise images as in a model's pretraining; grey images get as many equal channels as it expects."""

    mean: Tensor
    std: Tensor

    def __init__(self, metadata: Mapping[str, Any]):
        super().__init__()
        self.size, self.channels = tuple(metadata["size"]), metadata["channels"]
        self.interpolation = metadata.get("interpolation", "bilinear")
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(metadata[name]).view(-1, 1, 1), persistent=False)

    def forward(self, batch: Batch) -> Float[Tensor, "row channel height width"]:
        """Return the preprocessed images of `batch`, whose pixels are between 0 and 255."""
        image: Shaped[Tensor, "row channel height width"] = batch[IMAGE]
        scaled = image.float() / 255
        if scaled.shape[2:] != self.size:
            scaled = F.interpolate(scaled, self.size, mode=self.interpolation, antialias=True).clamp(0, 1)
        if scaled.shape[1] == 1:
            scaled = scaled.expand(-1, self.channels, -1, -1)
        return (scaled - self.mean) / self.std


class TimmBackbone(Backbone):
    """Encode images with a timm model without its head, built from its name and arguments."""

    compiles = False

    def __init__(self, metadata: Mapping[str, Any], dropout: float):
        super().__init__()
        timm_model = metadata["timm"]
        check_timm(timm_model["architecture"], timm_model["arguments"])
        self.encoder = timm_library().create_model(
            timm_model["architecture"],
            pretrained_cfg=timm_model["made_for"],
            **timm_model["arguments"] | {"num_classes": 0},
        )
        self.preprocess = ImagePreprocessor(metadata)
        self.drop = nn.Dropout(dropout)
        self.feature_size = int(getattr(self.encoder, "head_hidden_size", None) or self.encoder.num_features)

    def forward(self, batch: Batch) -> Float[Tensor, "row feature"]:
        """Return the features of each image."""
        return self.drop(self.encoder(self.preprocess(batch)))


class TransformersImageBackbone(Backbone):
    """Encode images with a `transformers` model without its head."""

    compiles = False

    def __init__(self, metadata: Mapping[str, Any], dropout: float):
        super().__init__()
        self.encoder, self.feature_size = _build_transformers_model(metadata)
        self.preprocess = ImagePreprocessor(metadata)
        self.drop = nn.Dropout(dropout)

    def forward(self, batch: Batch) -> Float[Tensor, "row feature"]:
        """Return the features of each image."""
        output = self.encoder(pixel_values=self.preprocess(batch))
        pooled = getattr(output, "pooler_output", None)
        return self.drop((output.last_hidden_state.mean(1) if pooled is None else pooled).flatten(1))


class TransformersTextBackbone(Backbone):
    """Encode texts with a `transformers` model: the mean of its last hidden states."""

    compiles = False

    def __init__(self, metadata: Mapping[str, Any], dropout: float):
        super().__init__()
        self.encoder, self.feature_size = _build_transformers_model(metadata)
        self.drop = nn.Dropout(dropout)

    def forward(self, batch: Batch) -> Float[Tensor, "row feature"]:
        """Return the features of each text."""
        length = batch[LENGTH]
        tokens = batch[TOKENS][:, : int(length.max())]
        valid = torch.arange(tokens.shape[1], device=tokens.device) < length[:, None]
        hidden = self.encoder(input_ids=tokens, attention_mask=valid.long()).last_hidden_state
        return self.drop(mean_over(hidden.transpose(0, 1), length))


def pretrained_images(metadata: Mapping[str, Any], dropout: float) -> Backbone:
    """Build the image backbone that `metadata` describe."""
    return (TimmBackbone if "timm" in metadata else TransformersImageBackbone)(metadata, dropout)


def _build_transformers_model(metadata: Mapping[str, Any]) -> tuple[nn.Module, int]:
    """Return an untrained `transformers` model, built from its config, and its feature size."""
    transformers = transformers_library()
    config = transformers_config(transformers, metadata["config"])
    sizes = getattr(config, "hidden_sizes", None) or [config.hidden_size]
    return transformers.AutoModel.from_config(config, trust_remote_code=False), int(sizes[-1])


def transformers_library() -> Any:
    """Import `transformers`, which takes seconds, and silence its logging."""
    try:
        import transformers
    except ImportError as error:
        raise SandlotError(
            "transformers models need the package `transformers`: pip install 'sandlot[pretrained]'"
        ) from error
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return transformers


def timm_library() -> Any:
    """Import timm, which takes seconds."""
    try:
        import timm  # pyright: ignore[reportMissingImports] (it needs a torchvision built for the torch here)
    except ImportError as error:
        raise SandlotError("timm models need the package `timm`: pip install 'sandlot[timm]'") from error
    except RuntimeError as error:
        raise SandlotError(
            f"timm can't be imported: {str(error).splitlines()[0]}; "
            f"it needs a torchvision built for torch {torch.__version__}"
        ) from error
    return timm
