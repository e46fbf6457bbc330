"""Slow copies of networks."""

import copy
from typing import Any

import torch

from .learner import Learner


class TargetNetwork:
    """A copy of a learner's module that follows it at a distance and takes no gradients.

    Reinforcement learning calls it a target network, the rest of the field an exponential moving average.

    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992; Mnih et al.,
    "Human-level control through deep reinforcement learning", 2015.
    """

    def __init__(self, learner: Learner):
        self.learner = learner
        self.module: Any = copy.deepcopy(learner.module).requires_grad_(False)
        self.flat = learner.flat.clone()
        learner.lay_out(self.module, self.flat)

    @torch.no_grad()
    def update(self, tau: float = 1.0) -> None:
        """Go the share `tau` of the way to the learner's parameters, and take its buffers as they are."""
        if tau == 1.0:
            self.flat.copy_(self.learner.flat)
        else:
            self.flat.lerp_(self.learner.flat, tau)
        for mine, theirs in zip(self.module.buffers(), self.learner.module.buffers(), strict=True):
            mine.copy_(theirs)


def frozen(learner: Learner) -> Any:
    """Return the learner's module as another, over the same numbers, that takes no gradients.

    A loss that looks through it wastes no time on gradients of its parameters, and adds none to them.
    """
    buffers: dict[int, Any] = {id(buffer): buffer for buffer in learner.module.buffers()}
    module = copy.deepcopy(learner.module, buffers).requires_grad_(False)
    learner.lay_out(module, learner.flat)
    return module
