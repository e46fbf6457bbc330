"""Texts as inputs."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.supervised.data import Batch, Frame
from sandlot.supervised.encoder_builder import MEMORIES, following
from sandlot.supervised.networks import MLP
from sandlot.supervised.networks.sequence.pooling import mean_over
from sandlot.tracking import SandlotError

from .columns import LENGTH, TOKENS
from .pretrained import MODEL, PretrainedTexts
from .tokenizer import PADDING, Tokenizer


class Texts:
    """Texts as sequences of tokens, cut to a greatest length."""

    def learn(self, train: Frame, columns: Sequence[str], config: Any) -> dict[str, Any]:
        tokenizer = Tokenizer.learned(train.texts(columns[0]), config.units, config.vocabulary)
        return {"columns": list(columns), "length": config.text_length, "tokenizer": tokenizer.metadata}

    def encode(self, frame: Frame, metadata: dict[str, Any]) -> dict[str, Tensor]:
        tokenizer = Tokenizer(metadata["tokenizer"])
        rows = [
            torch.tensor(tokenizer.encode(text)[: metadata["length"]]) for text in frame.texts(metadata["columns"][0])
        ]
        tokens = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PADDING)
        return {TOKENS: tokens, LENGTH: torch.tensor([len(row) for row in rows])}

    def reader(self, metadata: dict[str, Any], config: Any) -> nn.Module:
        if MODEL in metadata:
            return PretrainedTexts(metadata[MODEL], config.dropout)
        return TextReader(len(Tokenizer(metadata["tokenizer"])), config)


class TextReader(nn.Module):
    """Encode texts: the mean of what a network with memory says after each token, or of the tokens themselves."""

    compiles = False

    def __init__(self, vocabulary: int, config: Any):
        super().__init__()
        name = "lstm" if config.network == "auto" else config.network
        self.embed = nn.Embedding(vocabulary, config.memory_size, padding_idx=PADDING)
        self.drop = nn.Dropout(config.dropout)
        try:
            self.encoder: Any = following(name, config.memory_size, config)
        except ValueError as error:
            raise SandlotError(
                f"the network {name!r} does not read texts; {', '.join((*MEMORIES, 'mlp'))} do"
            ) from error
        self.feature_size = self.encoder.feature_size

    def forward(self, batch: Batch) -> Float[Tensor, "row feature"]:
        """Return the features of each text."""
        length = batch[LENGTH]
        tokens = batch[TOKENS][:, : int(length.max())]
        embedded = self.drop(self.embed(tokens)).transpose(0, 1)
        if isinstance(self.encoder, MLP):
            return self.encoder.encode(mean_over(embedded, length))
        episode_start = torch.zeros(embedded.shape[:2], dtype=torch.bool, device=embedded.device)
        features = self.encoder.features(embedded, self.encoder.no_memory(len(tokens)), episode_start)
        return self.drop(mean_over(features, length))
