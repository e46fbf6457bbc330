"""Heads compute in float32, whatever the precision of the networks before them."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

Output = TypeVar("Output")


def in_float32(head: Callable[[Tensor], Output], features: Tensor) -> Output:
    """Apply `head` to `features` in float32, also under `torch.autocast`.

    Outputs of heads are compared with each other: bfloat16's two or three digits can't separate a new probability
    from the old one, the values of neighbouring states, or the distances to two codes.
    """
    if not torch.is_autocast_enabled(features.device.type):
        return head(features)
    with torch.autocast(features.device.type, enabled=False):
        return head(features.float())
