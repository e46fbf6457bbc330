"""Ensembles of MLPs, computed together."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.supervised.networks.mlp import ACTIVATIONS, NORMALIZATIONS, Activation, Normalization

from .initialize import orthogonal


class Ensemble(nn.Module):
    """An ensemble of MLPs with the same inputs and one output each.

    A layer of all members is one batched matrix product, so a few cost little more than one.
    """

    def __init__(
        self,
        members: int,
        input_size: int,
        hidden: Sequence[int],
        activation: Activation = "relu",
        normalization: Normalization = "none",
        dropout: float = 0.0,
    ):
        super().__init__()
        self.members = members
        layers: list[nn.Module] = []
        for size in hidden:
            layers.append(StackedLinear(members, input_size, size, gain=2**0.5))
            if normalization != "none":
                layers.append(StackedNorm(members, size, normalization))
            layers.append(nn.ReLU(inplace=True) if activation == "relu" else ACTIVATIONS[activation]())
            if dropout:
                layers.append(nn.Dropout(dropout))
            input_size = size
        self.layers = nn.Sequential(*layers, StackedLinear(members, input_size, 1, gain=1.0))

    def forward(self, inputs: Float[Tensor, "row size"], count: int | None = None) -> Float[Tensor, "member row"]:
        """Return the output of each member, or of the first `count`, for each row."""
        return self.layers(inputs.expand(count or self.members, -1, -1)).squeeze(-1)


class StackedLinear(nn.Module):
    """A linear layer for each member."""

    def __init__(self, members: int, inputs: int, outputs: int, gain: float):
        super().__init__()
        layers = [orthogonal(nn.Linear(inputs, outputs), gain) for _ in range(members)]
        self.weight = nn.Parameter(torch.stack([layer.weight.detach().T for layer in layers]))
        self.bias = nn.Parameter(torch.stack([layer.bias.detach() for layer in layers]).unsqueeze(1))

    def forward(self, inputs: Float[Tensor, "member row input"]) -> Float[Tensor, "member row output"]:
        count, weight, bias = len(inputs), self.weight, self.bias
        if count < len(weight):
            weight, bias = weight[:count], bias[:count]
        if weight.shape[-1] == 1:  # a product with one column is slow
            return (inputs * weight.mT).sum(-1, keepdim=True) + bias
        return torch.baddbmm(bias, inputs, weight)


class StackedNorm(nn.Module):
    """A normalisation for each member."""

    def __init__(self, members: int, size: int, normalization: Normalization):
        super().__init__()
        self.norms = nn.ModuleList([NORMALIZATIONS[normalization](size) for _ in range(members)])

    def forward(self, inputs: Float[Tensor, "member row size"]) -> Float[Tensor, "member row size"]:
        return torch.stack([norm(part) for norm, part in zip(self.norms, inputs, strict=False)])
