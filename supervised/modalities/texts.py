"""Texts as inputs."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.supervised.data import Batch, DataConfig, Frame
from sandlot.supervised.encoder_builder import MEMORY_NETWORKS, EncoderConfig, build_vector_encoder
from sandlot.supervised.networks import MLP
from sandlot.supervised.networks.sequence.pooling import mean_over
from sandlot.tracking import SandlotError

from .columns import LENGTH, TOKENS
from .config import TextConfig
from .modality import Backbone, Modality
from .pretrained import MODEL, TransformersTextBackbone
from .tokenizer import PADDING, Tokenizer


class Texts(Modality):
    """Texts as sequences of tokens, truncated to a maximum length."""

    def fit(self, train: Frame, columns: Sequence[str], config: DataConfig) -> dict[str, Any]:
        assert isinstance(config, TextConfig)
        tokenizer = Tokenizer.trained(train.texts(columns[0]), config.tokenizer, config.vocab_size)
        return {"columns": list(columns), "length": config.text_length, "tokenizer": tokenizer.metadata}

    def encode(self, frame: Frame, metadata: dict[str, Any]) -> dict[str, Tensor]:
        tokenizer = Tokenizer(metadata["tokenizer"])
        rows = [
            torch.tensor(tokenizer.encode(text)[: metadata["length"]]) for text in frame.texts(metadata["columns"][0])
        ]
        tokens = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PADDING)
        return {TOKENS: tokens, LENGTH: torch.tensor([len(row) for row in rows])}

    def backbone(self, metadata: dict[str, Any], config: EncoderConfig) -> Backbone:
        if MODEL in metadata:
            return TransformersTextBackbone(metadata[MODEL], config.dropout)
        return TextBackbone(len(Tokenizer(metadata["tokenizer"])), config)


class TextBackbone(Backbone):
    """Encode texts: the mean over tokens of a sequence network's features, or an MLP of the mean embedding."""

    compiles = False

    def __init__(self, vocab_size: int, config: EncoderConfig):
        super().__init__()
        name = "lstm" if config.network == "auto" else config.network
        self.embed = nn.Embedding(vocab_size, config.memory_size, padding_idx=PADDING)
        self.drop = nn.Dropout(config.dropout)
        try:
            self.encoder = build_vector_encoder(name, config.memory_size, config)
        except ValueError as error:
            raise SandlotError(
                f"the network {name!r} can't read texts; choose from {', '.join((*MEMORY_NETWORKS, 'mlp'))}"
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
