"""A gradient as one compiled function."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from .flat_parameters import parts_of

if TYPE_CHECKING:
    from .learner import Learner


class LossModule(nn.Module):
    """A loss as a module's forward, which is what `functional_call` can call."""

    def __init__(self, module: nn.Module, loss: Callable[[Any, Any], tuple[Tensor, dict[str, Tensor]]]):
        super().__init__()
        self.module, self.loss = module, loss

    def forward(self, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        return self.loss(self.module, batch)


def compile_gradient(learner: "Learner") -> Callable[[Any], tuple[Tensor, dict[str, Tensor]]]:
    """Return the compiled function from a batch to the flat gradient of the learner's loss and its metrics."""
    import torch._inductor.config as inductor

    inductor.cpp_wrapper = learner.device.type == "cpu"
    wrapped = LossModule(learner.module, learner.loss)
    if _updates_statistics(learner.module):
        return partial(learner.backward, torch.compile(wrapped, fullgraph=True))
    names = [name for name, parameter in wrapped.named_parameters() if parameter.requires_grad]

    # No annotations on these two: the compiler would have to trace them.
    def gradient(flat, batch):
        def loss_of(flat):
            parameters = dict(zip(names, parts_of(flat, learner.module), strict=True))
            with learner.arithmetic():
                return torch.func.functional_call(wrapped, parameters, (batch,))

        return torch.func.grad(loss_of, has_aux=True)(flat)

    compiled = torch.compile(gradient, fullgraph=True)
    return lambda batch: compiled(learner.flat, batch)


def _updates_statistics(module: nn.Module) -> bool:
    """Return whether `module` updates running statistics in its forward pass, which no pure function can."""
    return any(isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d) for part in module.modules())
