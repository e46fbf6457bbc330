"""Whole gradient steps as CUDA graphs: one launch in place of hundreds.

Source: Nguyen et al., "Accelerating PyTorch with CUDA graphs", 2021.
"""

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

if TYPE_CHECKING:
    from .learner import Learner

WARM_UP_STEPS = 3
"""Eager steps before a capture, in which libraries choose their kernels; what they change is put back."""
MOST_GRAPHS = 8
"""Shapes of batches that have a graph; others run eagerly."""


class StepGraphs:
    """Gradient steps of a learner, captured for each shape of batch when it is first seen.

    All steps are replays, from the first on, so a run that is resumed does what one that was not stopped does.
    """

    def __init__(self, learner: "Learner"):
        self.learner = learner
        self._graphs: dict[tuple[Any, ...], _Graph] = {}
        self._broken = False

    def step(self, batch: Any) -> tuple[dict[str, Tensor], Tensor] | None:
        """Take a step; return its metrics and their scalars, or None if this batch has to be run eagerly.

        The tensors are the graph's own: the next step overwrites them.
        """
        if self._broken:
            return None
        leaves, structure = pytree.tree_flatten(batch)
        key = (self.learner.module.training, *map(_key, leaves))
        graph = self._graphs.get(key)
        if graph is None:
            if len(self._graphs) >= MOST_GRAPHS:
                return None
            try:
                graph = self._graphs[key] = _Graph(self.learner, leaves, structure)
            except RuntimeError as error:
                self._broken = True
                torch.cuda.synchronize(self.learner.device)
                first = next(iter(str(error).splitlines()), "")
                warnings.warn(
                    f"gradient steps run eagerly: they can't be captured as a CUDA graph ({first})", stacklevel=2
                )
                return None
        return graph.replay(leaves)


class _Graph:
    """The captured step for batches of one shape."""

    def __init__(self, learner: "Learner", leaves: list[Any], structure: Any):
        self.learner = learner
        self.inputs = [leaf.clone() if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        self.learning_rate = torch.zeros((), device=learner.device)
        self.steps = torch.zeros((), device=learner.device)
        update = partial(learner.update, pytree.tree_unflatten(self.inputs, structure), self.learning_rate, self.steps)
        put_back = _remember(learner)
        try:
            self._set_scalars()
            stream = torch.cuda.Stream(learner.device)
            stream.wait_stream(torch.cuda.current_stream(learner.device))
            with torch.cuda.stream(stream):
                for _ in range(WARM_UP_STEPS):
                    update()
            torch.cuda.current_stream(learner.device).wait_stream(stream)
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                self.metrics = update()
                self.scalars = torch.stack([value.float() for value in self.metrics.values() if value.ndim == 0])
        finally:
            put_back()

    def replay(self, leaves: list[Any]) -> tuple[dict[str, Tensor], Tensor]:
        """Take the step on a batch."""
        for mine, given in zip(self.inputs, leaves, strict=True):
            if isinstance(mine, Tensor):
                mine.copy_(given, non_blocking=True)
        self._set_scalars()
        self.graph.replay()
        return self.metrics, self.scalars

    def _set_scalars(self) -> None:
        self.learning_rate.fill_(self.learner.learning_rate)
        self.steps.fill_(self.learner.optimizer.steps)


def _key(leaf: Any) -> Any:
    return (leaf.shape, leaf.dtype, leaf.device) if isinstance(leaf, Tensor) else leaf


def _remember(learner: "Learner") -> Callable[[], None]:
    """Return a function that puts back all that steps change: parameters, averages, statistics, random numbers."""
    tensors = [learner.flat, *learner.optimizer.tensors(), *_buffers(learner)]
    copies = [tensor.clone() for tensor in tensors]
    state = torch.cuda.get_rng_state(learner.device)

    @torch.no_grad()
    def put_back() -> None:
        torch.cuda.synchronize(learner.device)
        for tensor, copy in zip(tensors, copies, strict=True):
            tensor.copy_(copy)
        torch.cuda.set_rng_state(state, learner.device)

    return put_back


def _buffers(learner: "Learner") -> Iterator[Tensor]:
    """Yield the buffers of the module, and of modules that the loss looks through."""
    keywords = learner.loss.keywords.values() if isinstance(learner.loss, partial) else ()
    for module in (learner.module, *(value for value in keywords if isinstance(value, nn.Module))):
        yield from module.buffers()
