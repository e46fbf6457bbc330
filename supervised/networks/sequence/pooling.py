"""Pooling of sequences."""

from jaxtyping import Float, Int
from torch import Tensor


def mean_over(
    features: Float[Tensor, "time batch feature"], length: Int[Tensor, "batch"]
) -> Float[Tensor, "batch feature"]:
    """Return the mean of each sequence's first `length` features."""
    rows = length.new_ones(len(features)).cumsum(0) - 1
    inside = rows[:, None] < length
    return (features * inside[..., None]).sum(0) / length.clamp(min=1)[:, None]
