"""A module's parameters laid out in one flat tensor."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.tracking import SandlotError

Layout = list[tuple[str, torch.Size]]
"""The name and shape of each parameter that takes gradients, in the order of the flat tensor."""


def trained(module: nn.Module) -> list[nn.Parameter]:
    """Return the parameters that take gradients."""
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


def layout_of(module: nn.Module) -> Layout:
    """Return the name and shape of each parameter that takes gradients."""
    return [(name, parameter.shape) for name, parameter in module.named_parameters() if parameter.requires_grad]


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
    _refuse_shared_memory(module)
    flat = torch.cat([parameter.detach().flatten() for parameter in trained(module)])
    move_into(module, flat)
    return flat


def move_into(module: nn.Module, flat: Float[Tensor, "size"]) -> None:
    """Write the module's parameters into `flat` and make them views of it."""
    for parameter, part in zip(trained(module), parts_of(flat, module), strict=True):
        part.copy_(parameter.detach())
        parameter.data = part


class Bond:
    """Watch whether a module's parameters are still the views of the flat tensors that they were made.

    A copy of the module's tensors (`.to`), assigned weights, tied weights or a new layer part them, and steps on the
    flat tensor would then move nothing that the module reads.
    """

    def __init__(self, module: nn.Module, flat: Float[Tensor, "size"], gradient: Float[Tensor, "size"]):
        self.module, self.layout = module, layout_of(module)
        self._gradients: list[tuple[nn.Parameter, Tensor]] = []
        for parameter, part in zip(trained(module), parts_of(gradient, module), strict=True):
            parameter.grad = part
            self._gradients.append((parameter, part))
        modules = list(module.modules())
        self._children = [(child._modules, list(child._modules.values())) for child in modules]
        self._sizes = [(child._parameters, len(child._parameters)) for child in modules]
        self._leaves: list[tuple[dict[str, Any], str, Any, int, bool]] = [
            (child._parameters, name, parameter, parameter.data_ptr(), parameter.requires_grad)
            for child in modules
            for name, parameter in child._parameters.items()
            if parameter is not None
        ]

    def holds(self) -> bool:
        """Return whether all parameters are still where they were put."""
        return (
            all(list(children.values()) == before for children, before in self._children)
            and all(len(parameters) == size for parameters, size in self._sizes)
            and all(
                parameters.get(name) is parameter
                and parameter.requires_grad == requires_grad
                and (parameter.data_ptr() == pointer or not requires_grad)
                for parameters, name, parameter, pointer, requires_grad in self._leaves
            )
        )

    def attach_gradients(self) -> None:
        """Put the views of the flat gradient back where `zero_grad` or the like has taken them away."""
        for parameter, part in self._gradients:
            if parameter.grad is not part:
                parameter.grad = part


def _refuse_shared_memory(module: nn.Module) -> None:
    """Raise `SandlotError` if two parameters lie in the same memory; tied weights are one parameter under two names."""
    seen: dict[int, str] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad and parameter.numel():
            other = seen.setdefault(parameter.data_ptr(), name)
            if other != name:
                raise SandlotError(
                    f"the parameters {other} and {name} are two that share their memory; to tie weights, assign the "
                    "one parameter to both places"
                )
