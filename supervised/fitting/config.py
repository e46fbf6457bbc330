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
    """Times that the training goes through the data."""
    batch_size: int = 64
    """Rows in a batch."""
    accumulate: int = 1
    """Pieces that a batch is cut into, whose gradients are summed up: for batches that don't fit the memory."""
    patience: int = 0
    """Validations without a better result after which the training ends; 0 for never."""
    validate_every: int = 0
    """Steps between validations; 0 for once an epoch."""
    checkpoint_every: int = 0
    """Steps between checkpoints, beside those at each validation; 0 for none."""

    def __post_init__(self) -> None:
        LearnerConfig.__post_init__(self)
        DataConfig.__post_init__(self)
        for name in ("epochs", "batch_size", "accumulate"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1", getattr(self, name))
        for name in ("patience", "validate_every", "checkpoint_every"):
            require(getattr(self, name) >= 0, f"{name} must be at least 0", getattr(self, name))
        rule = f"accumulate must divide batch_size, which is {self.batch_size}"
        require(self.batch_size % self.accumulate == 0, rule, self.accumulate)
