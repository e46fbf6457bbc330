"""Subsets of the data, and batches of their rows."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from sandlot.tracking import derived_seed

Columns = Mapping[str, Tensor]
"""Named tensors with the same number of rows."""
Batch = dict[str, Tensor]


class Subset(NamedTuple):
    """The rows of the train, validation or test split, as its name says."""

    name: str
    columns: Columns
    rows: Int[np.ndarray, "some"]

    def __len__(self) -> int:
        return len(self.rows)

    def batches(self, size: int) -> Iterator[Batch]:
        """Yield all rows in order, `size` at a time."""
        for first in range(0, len(self.rows), size):
            yield rows_of(self.columns, torch.from_numpy(self.rows[first : first + size]))

    def column(self, name: str) -> Tensor:
        """Return the rows of one column, on the CPU."""
        return self.columns[name].cpu()[torch.from_numpy(self.rows)]


class Loader:
    """Draw batches of training rows, in a new order each epoch.

    A step's batch follows from the seed and the step alone. So there is nothing to checkpoint: a run that resumes
    in the middle of an epoch continues with the rows this epoch has not seen. Rows that don't fill a last batch
    are skipped in that epoch.
    """

    def __init__(self, columns: Columns, rows: Int[np.ndarray, "some"], batch_size: int, seed: int):
        self.columns, self.rows, self.seed = columns, torch.from_numpy(rows), seed
        self.batch_size = min(batch_size, len(rows))
        self.steps_per_epoch = len(rows) // self.batch_size
        self._epoch, self._order = -1, self.rows

    def batch(self, step: int) -> Batch:
        """Return the batch of `step`."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(derived_seed(self.seed, 1, epoch))
            self._epoch = epoch
            rows = self.rows_of_epoch(epoch)
            self._order = rows[torch.randperm(len(rows), generator=generator)]
        return rows_of(self.columns, self._order[place * self.batch_size : (place + 1) * self.batch_size])

    def rows_of_epoch(self, epoch: int) -> Int[Tensor, "some"]:
        """Return the rows of an epoch, in any order."""
        return self.rows

    def micro_batches(self, step: int, count: int) -> Sequence[Batch]:
        """Return the batch of `step` in `count` micro-batches, for gradient accumulation."""
        batch = self.batch(step)
        if count == 1:
            return [batch]
        chunks = {name: column.chunk(count) for name, column in batch.items()}
        pieces = len(next(iter(chunks.values())))
        return [{name: chunk[piece] for name, chunk in chunks.items()} for piece in range(pieces)]


def rows_of(columns: Columns, rows: Int[Tensor, "some"]) -> Batch:
    """Return some rows of all columns."""
    return {name: column.index_select(0, rows.to(column.device)) for name, column in columns.items()}
