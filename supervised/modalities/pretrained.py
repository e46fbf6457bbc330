"""Models of Hugging Face's `transformers` as readers of inputs."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from tracking import SandlotError

from ..data import Batch
from ..networks.pool import mean_over
from .columns import IMAGE, LENGTH, TOKENS

MODEL = "model"
"""Where the facts about inputs hold the model that reads them."""
EXTRA = "models of transformers need the package `transformers`: pip install 'sandlot[pretrained]'"


class PretrainedReader(nn.Module):
    """Encode rows with a model of `transformers`, without its head, built anew from its config."""

    compiles = False

    def __init__(self, facts: Mapping[str, Any], dropout: float):
        super().__init__()
        transformers = transformers_library()
        known = dict(facts["config"])
        config = transformers.AutoConfig.for_model(known.pop("model_type"), **known)
        self.encoder = transformers.AutoModel.from_config(config)
        self.drop = nn.Dropout(dropout)
        sizes = getattr(config, "hidden_sizes", None) or [config.hidden_size]
        self.feature_size = int(sizes[-1])


class PretrainedImages(PretrainedReader):
    """Encode images, made as large and scaled as the model has learned them; grey ones as three equal colours."""

    mean: Tensor
    std: Tensor

    def __init__(self, facts: Mapping[str, Any], dropout: float):
        super().__init__(facts, dropout)
        self.size, self.channels = tuple(facts["size"]), facts["channels"]
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(facts[name]).view(-1, 1, 1), persistent=False)

    def forward(self, batch: Batch) -> Float[Tensor, "row feature"]:
        """Return the features of each image, whose pixels are between 0 and 255."""
        image: Shaped[Tensor, "row channel height width"] = batch[IMAGE]
        scaled = image.float() / 255
        if scaled.shape[2:] != self.size:
            scaled = F.interpolate(scaled, self.size, mode="bilinear", antialias=True)
        if scaled.shape[1] == 1:
            scaled = scaled.expand(-1, self.channels, -1, -1)
        found = self.encoder(pixel_values=(scaled - self.mean) / self.std)
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


def transformers_library() -> Any:
    """Return the package, quiet; its import takes seconds."""
    try:
        import transformers
    except ImportError as error:
        raise SandlotError(EXTRA) from error
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return transformers
