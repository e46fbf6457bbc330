"""What checkpoints are judged by."""

from typing import NamedTuple


class Monitor(NamedTuple):
    """The measure on the validation rows by which checkpoints are judged."""

    measure: str
    higher: bool

    def better(self, new: float, old: float) -> bool:
        """Tell whether `new` is better than `old`."""
        return new > old if self.higher else new < old


class Best(NamedTuple):
    """The best validation so far."""

    step: int
    value: float
