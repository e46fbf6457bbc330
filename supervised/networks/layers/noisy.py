"""Noisy layers, for exploration."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor, nn


class NoisyLinear(nn.Linear):
    """A linear layer with noise of learned scale in its weights.

    The noise is the same for all rows of a batch and stays the same until `draw_noise`. While `quiet`, it is 0.

    Source: Fortunato et al., "Noisy networks for exploration", 2018, section 3.1, factorised Gaussian noise.
    """

    input_noise: Tensor
    output_noise: Tensor

    def __init__(self, in_features: int, out_features: int, sigma: float = 0.5):
        super().__init__(in_features, out_features)
        self.quiet = False
        bound, spread = 1 / math.sqrt(in_features), sigma / math.sqrt(in_features)
        for parameter in (self.weight, self.bias):
            nn.init.uniform_(parameter, -bound, bound)
        self.weight_sigma = nn.Parameter(torch.full_like(self.weight, spread))
        self.bias_sigma = nn.Parameter(torch.full_like(self.bias, spread))
        self.register_buffer("input_noise", torch.zeros(in_features), persistent=False)
        self.register_buffer("output_noise", torch.zeros(out_features), persistent=False)

    def draw_noise(self, generator: Generator | None = None) -> None:
        """Sample new noise."""
        for noise in (self.input_noise, self.output_noise):
            noise.normal_(generator=generator)
            noise.copy_(noise.sign() * noise.abs().sqrt())

    def forward(self, input: Float[Tensor, "*batch size"]) -> Float[Tensor, "*batch feature"]:  # noqa: A002 (nn.Linear's name)
        if self.quiet:
            return F.linear(input, self.weight, self.bias)
        weight = self.weight + self.weight_sigma * self.output_noise.outer(self.input_noise)
        return F.linear(input, weight, self.bias + self.bias_sigma * self.output_noise)


def noisy_layers(module: nn.Module) -> list[NoisyLinear]:
    """Return all noisy layers in `module`."""
    return [part for part in module.modules() if isinstance(part, NoisyLinear)]
