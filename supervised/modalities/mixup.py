"""Mixed rows.

Source: Zhang et al., "mixup: beyond empirical risk minimization", 2018.
"""

import torch

from sandlot.supervised.data import Batch
from sandlot.tracking import SandlotError

TARGET, OTHER, SHARE = "target", "other-target", "share"


def mixed(batch: Batch, alpha: float) -> Batch:
    """Return a batch whose inputs are mixed with those of others in it: by a share drawn from Beta(alpha, alpha).

    The others' targets stand beside the rows' own; a loss is mixed as the inputs are.
    """
    target = batch[TARGET]
    inputs = {name: column for name, column in batch.items() if name != TARGET}
    if not all(column.is_floating_point() or column.dtype == torch.uint8 for column in inputs.values()):
        raise SandlotError("--mixup is for images and tables; these inputs can't be mixed")
    share = torch.distributions.Beta(alpha, alpha).sample().to(target.device)
    order = torch.randperm(len(target)).to(target.device)
    blended = {name: share * column.float() + (1 - share) * column[order].float() for name, column in inputs.items()}
    return {**blended, TARGET: target, OTHER: target[order], SHARE: share}
