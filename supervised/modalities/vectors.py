"""Inputs of any kind as flat vectors, for scikit-learn's models."""

import numpy as np
from jaxtyping import Float
from torch import Tensor

from sandlot.supervised.data import Batch

from .columns import IMAGE, LENGTH, TABLE, TOKENS


def flatten_inputs(batch: Batch, vocab_size: int) -> Float[np.ndarray, "row size"]:
    """Return pixels scaled to [0, 1], tables unchanged, or log token counts normalised to length 1."""
    if TABLE in batch:
        return batch[TABLE].cpu().numpy()
    if IMAGE in batch:
        return batch[IMAGE].flatten(1).cpu().numpy().astype(np.float32) / 255
    counts = np.stack(
        [_log_counts(row[:length], vocab_size) for row, length in zip(batch[TOKENS], batch[LENGTH], strict=True)]
    )
    return counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-9)


def _log_counts(tokens: Tensor, vocab_size: int) -> Float[np.ndarray, "size"]:
    return np.log1p(np.bincount(tokens.cpu().numpy(), minlength=vocab_size)).astype(np.float32)
