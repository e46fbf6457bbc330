"""How texts are read as inputs."""

from dataclasses import dataclass

from sandlot.tracking import require

from .tokenizer import TokenizerKind


@dataclass(frozen=True, kw_only=True)
class TextConfig:
    """How texts are read as inputs."""

    tokenizer: TokenizerKind = "byte-pairs"
    """Tokenizer for text inputs: single characters, or byte pairs (BPE) trained on the train split."""
    vocab_size: int = 2000
    """Vocabulary size of the BPE tokenizer."""
    text_length: int = 256
    """Truncate texts to this many tokens."""

    def __post_init__(self) -> None:
        for name in ("vocab_size", "text_length"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1", getattr(self, name))
