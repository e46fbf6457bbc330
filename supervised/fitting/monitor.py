"""The validation metric that selects the best checkpoint."""

from typing import NamedTuple


class Monitor(NamedTuple):
    """The validation metric that selects the best checkpoint, and whether higher is better."""

    metric: str
    higher: bool

    def improved(self, new: float, old: float) -> bool:
        """Return whether `new` is better than `old`."""
        return new > old if self.higher else new < old


class Best(NamedTuple):
    """The step and the monitored value of the best validation so far."""

    step: int
    value: float
