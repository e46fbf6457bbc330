"""Mixup: convex combinations of training rows.

Source: Zhang et al., "mixup: beyond empirical risk minimization", 2018.
"""

import torch

from sandlot.supervised.data import Batch
from sandlot.supervised.targets import TARGET
from sandlot.tracking import SandlotError

MIXUP_TARGET, MIXUP_WEIGHT = "mixup-target", "mixup-weight"
"""The other rows' targets, and the weight of the rows' own, in a mixed batch."""


def mix_rows(batch: Batch, alpha: float) -> Batch:
    """Mix the inputs of a batch with those of its rows in another order, by a weight drawn from Beta(alpha, alpha).

    The batch then also holds the other rows' targets and the weight, by which the loss is to be mixed too.
    """
    target = batch[TARGET]
    inputs = {name: column for name, column in batch.items() if name != TARGET}
    if not all(column.is_floating_point() or column.dtype == torch.uint8 for column in inputs.values()):
        raise SandlotError("--mixup is for images and tables; text can't be mixed")
    weight = torch.distributions.Beta(alpha, alpha).sample().to(target.device)
    order = torch.randperm(len(target)).to(target.device)
    blended = {name: weight * column.float() + (1 - weight) * column[order].float() for name, column in inputs.items()}
    return {**blended, TARGET: target, MIXUP_TARGET: target[order], MIXUP_WEIGHT: weight}
