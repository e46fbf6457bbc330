"""How inputs are read."""

from dataclasses import dataclass

from sandlot.tracking import require

from .tokenizer import Units


@dataclass(frozen=True, kw_only=True)
class ReadingConfig:
    """How inputs are read."""

    units: Units = "byte-pairs"
    """What texts are cut into."""
    vocabulary: int = 2000
    """Byte pairs that are learned, at most."""
    text_length: int = 256
    """Tokens of a text that are read."""

    def __post_init__(self) -> None:
        for name in ("vocabulary", "text_length"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1", getattr(self, name))
