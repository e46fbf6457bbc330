"""How a trained encoder is fine-tuned."""

from dataclasses import dataclass

from sandlot.tracking import require

ALL = -1


@dataclass(frozen=True, kw_only=True)
class TransferConfig:
    """How a trained encoder is fine-tuned."""

    freeze: int = 0
    """Freeze this many layers, counted from the input; -1 freezes all but the head."""
    unfreeze_after: int = 0
    """Unfreeze all layers after this many epochs; 0 keeps them frozen."""
    layer_decay: float = 1.0
    """Multiply the learning rate by this factor from each layer to the one below it."""

    def __post_init__(self) -> None:
        require(self.freeze >= ALL, "freeze must be at least -1", self.freeze)
        require(self.unfreeze_after >= 0, "unfreeze_after must be at least 0", self.unfreeze_after)
        require(0 < self.layer_decay <= 1, "layer_decay must be in (0, 1]", self.layer_decay)
