"""Rows of any kind as vectors, for learners that know nothing of images or texts."""

import numpy as np
from jaxtyping import Float
from torch import Tensor

from sandlot.supervised.data import Batch

from .columns import IMAGE, LENGTH, TABLE, TOKENS


def vectors(batch: Batch, vocabulary: int) -> Float[np.ndarray, "row size"]:
    """Return pixels as they are, tables as they are, and texts as how often each token is in them, to length 1."""
    if TABLE in batch:
        return batch[TABLE].cpu().numpy()
    if IMAGE in batch:
        return batch[IMAGE].flatten(1).cpu().numpy().astype(np.float32) / 255
    counts = np.stack(
        [_counted(row[:length], vocabulary) for row, length in zip(batch[TOKENS], batch[LENGTH], strict=True)]
    )
    return counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-9)


def _counted(tokens: Tensor, vocabulary: int) -> Float[np.ndarray, "size"]:
    return np.log1p(np.bincount(tokens.cpu().numpy(), minlength=vocabulary)).astype(np.float32)
