"""Rows of a table as inputs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.supervised.data import Batch, Frame
from sandlot.supervised.data.frame import looks_numeric
from sandlot.supervised.networks import MLP
from sandlot.tracking import SandlotError

from .columns import TABLE


class Tables:
    """Columns of numbers, scaled to mean 0 and deviation 1, and of categories, as ones and zeros.

    A category that the training has not seen is all zeros.
    """

    def learn(self, train: Frame, columns: Sequence[str], config: Any) -> dict[str, Any]:
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

    def reader(self, metadata: dict[str, Any], config: Any) -> nn.Module:
        if config.network not in ("auto", "mlp"):
            raise SandlotError(f"the network {config.network!r} does not read tables; mlp does")
        size = len(metadata["scales"]) + sum(map(len, metadata["categories"].values()))
        return TableReader(size, config)


class TableReader(nn.Module):
    """Encode rows of a table."""

    def __init__(self, size: int, config: Any):
        super().__init__()
        self.encoder = MLP(size, config.hidden, config.activation, config.normalization, config.dropout)
        self.feature_size = self.encoder.feature_size

    def forward(self, batch: Batch) -> Float[Tensor, "row feature"]:
        """Return the features of each row."""
        return self.encoder.encode(batch[TABLE])
