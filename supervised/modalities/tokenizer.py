"""Convert texts to tokens and back."""

from collections.abc import Sequence
from typing import Any, Literal

from sandlot.tracking import SandlotError

TokenizerKind = Literal["characters", "byte-pairs"]
PADDING, UNKNOWN = 0, 1
SPECIAL = ("<padding>", "<unknown>")
EXTRA = "the byte-pairs tokenizer needs the package `tokenizers`: pip install 'sandlot[text]'"


class Tokenizer:
    """Convert texts to tokens and back: single characters, or byte pairs (BPE) from Hugging Face's `tokenizers`.

    Source of BPE: Sennrich et al., "Neural machine translation of rare words with subword units", 2016.
    """

    def __init__(self, metadata: dict[str, Any]):
        self.metadata = metadata
        self._pairs: Any = None
        if "characters" in metadata:
            self._characters = [*SPECIAL, *metadata["characters"]]
            self._tokens = {character: token for token, character in enumerate(self._characters)}
        else:
            self._pairs = _tokenizers().Tokenizer.from_str(metadata["byte-pairs"])

    @classmethod
    def trained(cls, texts: Sequence[str], kind: TokenizerKind, vocab_size: int) -> "Tokenizer":
        """Train a tokenizer on `texts`; `vocab_size` is the maximum for byte pairs."""
        if kind == "characters":
            return cls({"characters": sorted(set().union(*texts))})
        tokenizers = _tokenizers()
        pairs = tokenizers.Tokenizer(tokenizers.models.BPE())
        pairs.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
        pairs.decoder = tokenizers.decoders.ByteLevel()
        alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=vocab_size, special_tokens=list(SPECIAL), initial_alphabet=alphabet, show_progress=False
        )
        pairs.train_from_iterator(texts, trainer)
        return cls({"byte-pairs": pairs.to_str()})

    def __len__(self) -> int:
        return len(self._characters) if self._pairs is None else self._pairs.get_vocab_size()

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text."""
        if self._pairs is None:
            return [self._tokens.get(character, UNKNOWN) for character in text]
        return self._pairs.encode(text).ids

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of some tokens."""
        kept = [token for token in tokens if token >= len(SPECIAL)]
        return "".join(self._characters[token] for token in kept) if self._pairs is None else self._pairs.decode(kept)


def _tokenizers() -> Any:
    try:
        import tokenizers
        import tokenizers.decoders
        import tokenizers.models
        import tokenizers.pre_tokenizers
        import tokenizers.trainers
    except ImportError as error:
        raise SandlotError(EXTRA) from error
    return tokenizers
