"""What to read from a data set, and how to split it."""

from dataclasses import dataclass
from typing import Literal

from sandlot.tracking import require


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """What to read from a data set, and how to split it."""

    target: str | None = None
    """Target column; by default the one called label, target, class or y, else the last."""
    columns: tuple[str, ...] = ()
    """Input columns; all but the target by default."""
    image_size: int = 0
    """Resize images to this many pixels a side; 0 keeps their size."""
    image_mode: Literal["auto", "grey", "rgb"] = "auto"
    """Convert images to this colour mode; auto keeps the mode of the files, which must be the same for all."""
    skip_unreadable: bool = True
    """Skip images that can't be read, instead of stopping at the first."""
    validation_share: float = 0.1
    """Fraction of the rows outside the test split that is used for validation."""
    test_share: float = 0.2
    """Fraction of the rows that is used as the test split, unless the data comes with its own."""

    def __post_init__(self) -> None:
        for name in ("validation_share", "test_share"):
            require(0 <= getattr(self, name) < 1, f"{name} must be in [0, 1)", getattr(self, name))
        require(self.image_size >= 0, "image_size must be at least 0", self.image_size)
