"""Texts to numbers and back."""

from collections.abc import Sequence
from typing import Any, Literal

from sandlot.tracking import SandlotError

Units = Literal["characters", "byte-pairs"]
PADDING, UNKNOWN = 0, 1
SPECIAL = ("<padding>", "<unknown>")
EXTRA = "byte-pairs need the package `tokenizers`: pip install 'sandlot[text]'"


class Tokenizer:
    """Texts as numbers: of their characters, or of pieces that were merged by how often they stand together.

    Source of byte-pair encoding: Sennrich et al., "Neural machine translation of rare words with subword
    units", 2016, over bytes, as in Hugging Face's `tokenizers`.
    """

    def __init__(self, metadata: dict[str, Any]):
        self.metadata = metadata
        self._pairs: Any = None
        if "characters" in metadata:
            self._characters = [*SPECIAL, *metadata["characters"]]
            self._numbers = {character: number for number, character in enumerate(self._characters)}
        else:
            self._pairs = _tokenizers().Tokenizer.from_str(metadata["byte-pairs"])

    @classmethod
    def learned(cls, texts: Sequence[str], units: Units, vocabulary: int) -> "Tokenizer":
        """Return a tokenizer learned from `texts`, of `vocabulary` pieces at most if they are byte pairs."""
        if units == "characters":
            return cls({"characters": sorted(set().union(*texts))})
        tokenizers = _tokenizers()
        pairs = tokenizers.Tokenizer(tokenizers.models.BPE())
        pairs.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
        pairs.decoder = tokenizers.decoders.ByteLevel()
        alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=vocabulary, special_tokens=list(SPECIAL), initial_alphabet=alphabet, show_progress=False
        )
        pairs.train_from_iterator(texts, trainer)
        return cls({"byte-pairs": pairs.to_str()})

    def __len__(self) -> int:
        return len(self._characters) if self._pairs is None else self._pairs.get_vocab_size()

    def encode(self, text: str) -> list[int]:
        """Return the numbers of a text."""
        if self._pairs is None:
            return [self._numbers.get(character, UNKNOWN) for character in text]
        return self._pairs.encode(text).ids

    def decode(self, numbers: Sequence[int]) -> str:
        """Return the text of some numbers."""
        kept = [number for number in numbers if number >= len(SPECIAL)]
        return "".join(self._characters[number] for number in kept) if self._pairs is None else self._pairs.decode(kept)


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
