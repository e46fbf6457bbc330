"""A module's parameters laid out in one flat tensor."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn


def trained(module: nn.Module) -> list[nn.Parameter]:
    """Return the parameters that take gradients."""
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


def parts_of(flat: Float[Tensor, "size"], module: nn.Module) -> list[Tensor]:
    """Return views of `flat` in the shapes of the module's parameters."""
    shapes = trained(module)
    pieces = flat.split([parameter.numel() for parameter in shapes])
    return [piece.view(parameter.shape) for piece, parameter in zip(pieces, shapes, strict=True)]


def pieces_of(module: nn.Module, scales: Mapping[str, float]) -> list[tuple[slice, float]]:
    """Return which parts of the flat tensor have which of the `scales`, neighbours with the same one together."""
    pieces: list[tuple[slice, float]] = []
    end = 0
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        fits = [prefix for prefix in scales if name.startswith(prefix)]
        scale = scales[max(fits, key=len)] if fits else 1.0
        first, end = end, end + parameter.numel()
        if pieces and pieces[-1][1] == scale:
            first = pieces.pop()[0].start
        pieces.append((slice(first, end), scale))
    return pieces


def flatten(module: nn.Module) -> Float[Tensor, "size"]:
    """Move the module's parameters into one flat tensor and make them views of it."""
    flat = torch.cat([parameter.detach().flatten() for parameter in trained(module)])
    for parameter, part in zip(trained(module), parts_of(flat, module), strict=True):
        parameter.data = part
    return flat
