"""Metrics of a loss over many batches."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn

from sandlot.supervised.data import Batch

EVAL_BATCH_SIZE = 256
"""Rows that are evaluated at a time."""


@contextmanager
def evaluating(modules: Sequence[nn.Module]) -> Iterator[None]:
    """Put modules into evaluation mode, and back into what they were in."""
    modes = [module.training for module in modules]
    for module in modules:
        module.eval()
    try:
        yield
    finally:
        for module, training in zip(modules, modes, strict=True):
            module.train(training)


LossOfBatch = Callable[[Batch], tuple[Tensor, dict[str, Tensor]]]


def mean_metrics(loss: LossOfBatch, batches: Iterable[Batch]) -> dict[str, float]:
    """Return the means, over the rows `x` of all batches, of the scalar metrics that `loss` returns."""
    totals: dict[str, float] = {}
    rows = 0
    for batch in batches:
        for name, value in loss(batch)[1].items():
            if value.ndim == 0:
                totals[name] = totals.get(name, 0.0) + value.item() * len(batch["x"])
        rows += len(batch["x"])
    return {name: total / rows for name, total in totals.items()}
