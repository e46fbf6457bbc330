"""What computes in float32 whatever the networks before it do."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

Output = TypeVar("Output")


def in_float32(head: Callable[[Tensor], Output], features: Tensor) -> Output:
    """Return what `head` makes of `features` in float32, also under `torch.autocast`.

    The numbers of heads and codes have to be compared: bfloat16's two or three digits can't tell a new
    probability from the old one, or the values of neighbouring states, or the nearer of two words.
    """
    if not torch.is_autocast_enabled(features.device.type):
        return head(features)
    with torch.autocast(features.device.type, enabled=False):
        return head(features.float())
