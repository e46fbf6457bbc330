"""How a task is fitted to data."""

from dataclasses import dataclass

from sandlot.supervised.data import DataConfig
from sandlot.supervised.optimization.config import LearnerConfig
from sandlot.tracking import require


@dataclass(frozen=True, kw_only=True)
class FitConfig(LearnerConfig, DataConfig):
    """How a task is fitted to data."""

    optimizer_epsilon: float = 1e-8
    epochs: int = 10
    """Epochs to train for."""
    batch_size: int = 64
    """Rows in a batch."""
    accumulate: int = 1
    """Gradient accumulation: split each batch into this many micro-batches, for batches that don't fit into memory."""
    patience: int = 0
    """Early stopping: end after this many validations without improvement; 0 disables it."""
    validate_every: int = 0
    """Gradient steps between validations; 0 validates once an epoch."""
    checkpoint_every: int = 0
    """Gradient steps between checkpoints, in addition to those at each validation; 0 adds none."""

    def __post_init__(self) -> None:
        LearnerConfig.__post_init__(self)
        DataConfig.__post_init__(self)
        for name in ("epochs", "batch_size", "accumulate"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1", getattr(self, name))
        for name in ("patience", "validate_every", "checkpoint_every"):
            require(getattr(self, name) >= 0, f"{name} must be at least 0", getattr(self, name))
        rule = f"accumulate must divide batch_size, which is {self.batch_size}"
        require(self.batch_size % self.accumulate == 0, rule, self.accumulate)
