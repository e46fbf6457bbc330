"""The training rows that are nearest to generated ones, and whether the model has memorised them."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sandlot.generative.base import GenerativeModel, Rows
from sandlot.generative.metrics import EVAL_BATCH_SIZE

COPY_RATIO = 1 / 3
"""A row is a copy if its nearest training row is this much nearer than the next one (Yoon et al., "Diffusion
probabilistic models generalize when they fail to memorize", 2023)."""
MEMORISED_SHARE = 0.05
"""Share of copies from which the model is said to have memorised."""


class Nearest(NamedTuple):
    """For each row, the nearest training row, and whether it is a copy of that."""

    rows: Rows
    distance: Float[Tensor, "row"]
    is_copy: Bool[Tensor, "row"]

    def note(self) -> str:
        """Return in words how many rows are copies of training rows."""
        share = self.is_copy.double().mean().item()
        found = f"{int(self.is_copy.sum()):,} of {len(self.is_copy):,} samples copy a training row ({share:.0%})"
        return f"{found}: the model has memorised; give it more data or a smaller network" if (
            share >= MEMORISED_SHARE
        ) else found  # fmt: skip


def nearest_training_rows(model: GenerativeModel, rows: Rows) -> Nearest:
    """Return the training rows that are nearest to generated `rows`, by the distance of their values."""
    train = torch.cat([model.inputs(batch) for batch in model.batches(model.subset("train"))])
    reference = train.flatten(1).unique(dim=0)
    distances, found = [], []
    for chunk in rows.flatten(1).split(EVAL_BATCH_SIZE):
        near = torch.cdist(chunk, reference).topk(min(2, len(reference)), largest=False)
        distances.append(near.values)
        found.append(near.indices[:, 0])
    distance = torch.cat(distances)
    is_copy = distance[:, 0] < COPY_RATIO * distance[:, -1]
    return Nearest(reference[torch.cat(found)].view_as(rows), distance[:, 0], is_copy)
