"""What is read of a data set, and how its rows are shared out."""

from dataclasses import dataclass
from typing import Literal

from sandlot.tracking import require


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """What is read of a data set, and how its rows are shared out."""

    target: str | None = None
    """Column to predict; by default one called label, target, class or y, or the last."""
    columns: tuple[str, ...] = ()
    """Columns to predict it from; all others by default."""
    image_size: int = 0
    """Sides that images are scaled to; 0 to leave them as they are."""
    image_mode: Literal["auto", "grey", "rgb"] = "auto"
    """Colours that images are read in; auto is that of the images, which must all be the same."""
    strict: bool = False
    """Stop at an image that can't be read, in place of leaving it out."""
    validation_share: float = 0.1
    """Share of the rows, beside those of the test, by which the training is watched."""
    test_share: float = 0.2
    """Share of the rows for the test, if the data has none of its own."""

    def __post_init__(self) -> None:
        for name in ("validation_share", "test_share"):
            require(0 <= getattr(self, name) < 1, f"{name} must be in [0, 1)", getattr(self, name))
        require(self.image_size >= 0, "image_size must be at least 0", self.image_size)
