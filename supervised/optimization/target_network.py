"""Averaged copies of a learner's module."""

import copy
from typing import Any

import torch

from .flat_parameters import layout_of
from .learner import Learner


class TargetNetwork:
    """A copy of a learner's module that takes no gradients and is updated by Polyak averaging.

    Generative models use it as an exponential moving average of the weights.

    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992; Mnih et al.,
    "Human-level control through deep reinforcement learning", 2015.
    """

    def __init__(self, learner: Learner):
        self.learner = learner
        self.module: Any = copy.deepcopy(learner.module).requires_grad_(False)
        self.layout = layout_of(learner.module)
        self._lay_flat()

    def _lay_flat(self) -> None:
        parameters = [self.module.get_parameter(name) for name, _ in self.layout]
        self.flat = torch.cat([parameter.detach().flatten() for parameter in parameters])
        pieces = self.flat.split([parameter.numel() for parameter in parameters])
        for parameter, piece in zip(parameters, pieces, strict=True):
            parameter.data = piece.view(parameter.shape)
        self._leaves = [(parameter, parameter.data_ptr()) for parameter in parameters]

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy or a pickle keeps: all but the flat tensor, which the copied module gets anew."""
        return {name: value for name, value in self.__dict__.items() if name not in ("flat", "_leaves")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Lay the copied module's parameters out in a flat tensor of its own."""
        self.__dict__.update(state)
        self._lay_flat()

    @torch.no_grad()
    def update(self, tau: float = 1.0) -> None:
        """Move the parameters by `tau` towards the learner's (1 copies them), and copy the buffers."""
        if self.layout != self.learner.layout:  # the learner's module has new parameters
            training = self.module.training
            self.module.__dict__.update(copy.deepcopy(self.learner.module).requires_grad_(False).__dict__)
            self.module.train(training)
            self.layout = self.learner.layout
            self._lay_flat()
        if any(parameter.data_ptr() != pointer for parameter, pointer in self._leaves):
            self.module.to(self.learner.device, self.flat.dtype)
            self._lay_flat()
        if tau == 1.0:
            self.flat.copy_(self.learner.flat)
        else:
            self.flat.lerp_(self.learner.flat, tau)
        for mine, theirs in zip(self.module.buffers(), self.learner.module.buffers(), strict=True):
            mine.copy_(theirs)
