"""Rows of a table as inputs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sandlot.supervised.data import Batch, DataConfig, Frame
from sandlot.supervised.data.frame import looks_numeric
from sandlot.supervised.encoder_builder import EncoderConfig, build_mlp
from sandlot.tracking import SandlotError

from .columns import TABLE
from .modality import Backbone, Modality


class Tables(Modality):
    """Numbers, standardised to mean 0 and standard deviation 1, and one-hot categories.

    A category that the train split does not have becomes all zeros.
    """

    def fit(self, train: Frame, columns: Sequence[str], config: DataConfig) -> dict[str, Any]:
        scales, categories = {}, {}
        for name in columns:
            if looks_numeric(train.columns[name]):
                values = train.numbers(name)
                scales[name] = [float(values.mean()), float(values.std()) or 1.0]
            else:
                categories[name] = sorted(set(train.texts(name)))
        return {"columns": list(columns), "scales": scales, "categories": categories}

    def encode(self, frame: Frame, metadata: dict[str, Any]) -> dict[str, Tensor]:
        parts = []
        for name in metadata["columns"]:
            if name in metadata["scales"]:
                mean, std = metadata["scales"][name]
                parts.append((frame.numbers(name)[:, None] - mean) / std)
            else:
                texts = np.array(frame.texts(name))
                parts.append(texts[:, None] == np.array(metadata["categories"][name])[None])
        return {TABLE: torch.from_numpy(np.concatenate(parts, 1).astype(np.float32))}

    def backbone(self, metadata: dict[str, Any], config: EncoderConfig) -> Backbone:
        if config.network not in ("auto", "mlp"):
            raise SandlotError(f"the network {config.network!r} can't read tables; choose mlp")
        size = len(metadata["scales"]) + sum(map(len, metadata["categories"].values()))
        return TableBackbone(size, config)


class TableBackbone(Backbone):
    """Encode rows of a table with an MLP."""

    def __init__(self, size: int, config: EncoderConfig):
        super().__init__()
        self.encoder = build_mlp(size, config)
        self.feature_size = self.encoder.feature_size

    def forward(self, batch: Batch) -> Float[Tensor, "row feature"]:
        """Return the features of each row."""
        return self.encoder.encode(batch[TABLE])
