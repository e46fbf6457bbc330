"""Normalisation by running statistics."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class RunningNorm(nn.Module):
    """Standardise vectors by the running mean and variance of all rows that `update` has seen, and clip them.

    Source: Chan et al., "Updating formulae and a pairwise algorithm for computing sample variances", 1979.
    """

    mean: Tensor
    variance: Tensor
    count: Tensor

    def __init__(self, size: int, clip: float = 10.0, epsilon: float = 1e-8):
        super().__init__()
        self.clip, self.epsilon = clip, epsilon
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("variance", torch.ones(size))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    def forward(self, inputs: Float[Tensor, "*batch size"]) -> Float[Tensor, "*batch size"]:
        scaled = (inputs - self.mean) * (self.variance + self.epsilon).rsqrt()
        return scaled.clamp(-self.clip, self.clip)

    @torch.no_grad()
    def update(self, inputs: Float[Tensor, "row size"]) -> None:
        """Update the statistics with the rows of `inputs`."""
        if not len(inputs):
            return
        rows, mean, variance = len(inputs), inputs.mean(0), inputs.var(0, correction=0)
        total = self.count + rows
        share = (rows / total).to(mean.dtype)
        delta = mean - self.mean
        self.variance.add_((variance - self.variance) * share + delta.square() * share * (1 - share))
        self.mean.add_(delta * share)
        self.count.copy_(total)
