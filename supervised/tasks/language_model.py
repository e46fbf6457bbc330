"""Autoregressive language models."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from sandlot.supervised.data import SUBSETS, Batch, DataSplit, Frame, Loader, Subset, ordered_split
from sandlot.supervised.encoder_builder import MEMORY_NETWORKS, EncoderConfig, build_vector_encoder
from sandlot.supervised.fitting.config import FitConfig
from sandlot.supervised.fitting.monitor import Monitor
from sandlot.supervised.modalities.tokenizer import Tokenizer, TokenizerKind
from sandlot.supervised.networks import Memory
from sandlot.supervised.optimization.learner import Learner
from sandlot.supervised.optimization.schedules import LearningRateSchedule
from sandlot.tracking import SandlotError, derived_seed, require

from .base import Data, Task

TOKENS = "tokens"
PIECE = 100
"""Characters of a text that are split together."""


@dataclass(frozen=True, kw_only=True)
class LanguageModelConfig(FitConfig, EncoderConfig):
    """Hyperparameters of a language model."""

    learning_rate: float = 1e-3
    learning_rate_schedule: LearningRateSchedule = "cosine"
    max_grad_norm: float = 1.0
    memory_size: int = 128
    memory_length: int = 128
    validation_share: float = 0.05
    test_share: float = 0.05
    epochs: int = 5
    batch_size: int = 32
    tokenizer: TokenizerKind = "characters"
    """Tokenizer: single characters, or byte pairs (BPE) trained on the train split."""
    vocab_size: int = 2000
    """Vocabulary size of the BPE tokenizer."""
    context_length: int = 128
    """Tokens in each training sequence."""

    def __post_init__(self) -> None:
        FitConfig.__post_init__(self)
        EncoderConfig.__post_init__(self)
        for name in ("vocab_size", "context_length"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1", getattr(self, name))


class LanguageNetwork(nn.Module):
    """Predict the next token from those before it."""

    compiles = False

    def __init__(self, vocab_size: int, config: LanguageModelConfig):
        super().__init__()
        name = "transformer" if config.network == "auto" else config.network
        if name not in MEMORY_NETWORKS:
            raise SandlotError(f"the network {name!r} can't read sequences; choose from {', '.join(MEMORY_NETWORKS)}")
        self.embed = nn.Embedding(vocab_size, config.memory_size)
        if name == "transformer":
            nn.init.normal_(self.embed.weight, std=0.02)  # GPT-2's initialisation
        self.drop = nn.Dropout(config.dropout)
        try:
            self.encoder = build_vector_encoder(name, config.memory_size, config)
        except ValueError as error:
            raise SandlotError(str(error)) from error
        self.head = nn.Linear(self.encoder.feature_size, vocab_size)

    def forward(self, batch: Batch) -> Float[Tensor, "time row token"]:
        """Return the logits of the next token after each token but the last."""
        tokens = batch[TOKENS][:, :-1].T
        episode_start = torch.zeros(tokens.shape, dtype=torch.bool, device=tokens.device)
        embedded = self.drop(self.embed(tokens))
        features = self.encoder.features(embedded, self.encoder.no_memory(tokens.shape[1]), episode_start)
        return self.head(self.drop(features))

    def step(self, token: Tensor, memory: Memory) -> tuple[Float[Tensor, "row token"], Memory]:
        """Return the logits of the next token after one more token of each row, and the memory carried on."""
        episode_start = torch.zeros(1, len(token), dtype=torch.bool, device=token.device)
        features, memory = self.encoder(self.embed(token[None]), memory, episode_start)
        return self.head(features[0]), memory


def language_loss(module: Callable[[Batch], Tensor], batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the cross-entropy of the next token, in nats, and metrics."""
    loss = F.cross_entropy(module(batch).flatten(0, 1), batch[TOKENS][:, 1:].T.flatten())
    return loss, {"loss": loss.detach()}


class LanguageModel(Task):
    """Train an autoregressive language model on texts. The test split is the end of the texts.

    Example:
        >>> task = LanguageModel("shakespeare.txt", context_length=128).learn()
        >>> task.evaluate("test")
        {"loss": …, "perplexity": …, "bits_per_character": …}
        >>> task.sample("To be", tokens=50)
    """

    name = "language-model"
    Config = LanguageModelConfig
    monitor = Monitor("loss", higher=False)
    config: LanguageModelConfig

    def find_columns(self, frame: Frame) -> dict[str, Any]:
        return {}

    def split_rows(self, frame: Frame) -> DataSplit:
        return ordered_split(len(frame), self.config.validation_share, self.config.test_share)

    def fit_preprocessing(self, train: Frame) -> dict[str, Any]:
        pieces = list(train.columns["text"])
        return {"tokenizer": Tokenizer.trained(pieces, self.config.tokenizer, self.config.vocab_size).metadata}

    def encode(self, frame: Frame) -> dict[str, Tensor]:
        """Return all (overlapping) windows of each split's text, as views of its tokens."""
        assert self.split is not None
        tokenizer, window = Tokenizer(self.metadata["tokenizer"]), self.config.context_length + 1
        self.spans: dict[str, tuple[int, int]] = {}
        self.characters: dict[str, float] = {}
        tokens: list[int] = []
        for name in SUBSETS:
            text = "".join(frame.columns["text"][self.split.rows(name)])
            begin = len(tokens)
            tokens += tokenizer.encode(text)
            self.spans[name] = (begin, len(tokens))
            self.characters[name] = len(text) / max(len(tokens) - begin, 1)
        if self.spans["train"][1] < window:
            raise SandlotError(
                f"{frame.name} has {self.spans['train'][1]} tokens in the train split, too few for a "
                f"context_length of {self.config.context_length}"
            )
        # On the device before `unfold`: moved afterwards, the overlapping windows would be copied out.
        return {TOKENS: torch.tensor(tokens, device=self.device).unfold(0, window, 1)}

    def subset(self, name: str) -> Subset:
        super().subset(name)  # raises without data
        (begin, end), length = self.spans[name], self.config.context_length
        return Subset(name, self.columns, np.arange(begin, end - length, length))

    def loader(self) -> Loader:
        return WindowLoader(self.subset("train"), self.config.context_length, self.config.batch_size, self.seed)

    def build(self) -> dict[str, Learner]:
        self.tokenizer = Tokenizer(self.metadata["tokenizer"])
        self.network = LanguageNetwork(len(self.tokenizer), self.config)
        return {"network": Learner(self.network, language_loss, self.config, device=self.device)}

    def train_step(self, batches: Sequence[Batch]) -> None:
        self.learners["network"].step(*batches)

    def compute_metrics(self, subset: Subset) -> dict[str, float]:
        total = 0.0
        for batch in subset.batches(self.config.batch_size):
            total += float(language_loss(self.network, batch)[0]) * len(batch[TOKENS])
        loss = total / len(subset)
        bits = loss / math.log(2) / self.characters[subset.name]
        return {"loss": loss, "perplexity": math.exp(min(loss, 700.0)), "bits_per_character": bits}

    @torch.no_grad()
    def sample(self, prompt: str, tokens: int, temperature: float = 1.0, seed: int = 0) -> str:
        """Return `prompt` continued by `tokens` sampled tokens; at temperature 0, each is the most likely one."""
        network = self.network.eval()
        device = self.learners["network"].device
        generator = torch.Generator().manual_seed(derived_seed(seed, 0))
        written = self.tokenizer.encode(prompt)
        if not written:
            raise SandlotError("the prompt is empty; it needs at least one character")
        memory, logits = network.encoder.initial_memory(1), None
        for token in written:
            logits, memory = network.step(torch.tensor([token], device=device), memory)
        for _ in range(tokens):
            assert logits is not None
            if temperature > 0:
                probabilities = (logits[0] / temperature).softmax(-1).cpu()
                token = int(torch.multinomial(probabilities, 1, generator=generator))
            else:
                token = int(logits[0].argmax())
            written.append(token)
            logits, memory = network.step(torch.tensor([token], device=device), memory)
        return self.tokenizer.decode(written)

    def _read(self, data: Data) -> Frame:
        frame = super()._read(data)
        text = "".join(f"{piece}\n" for piece in frame.texts(text_column(frame, self.config.target)))
        pieces = [text[first : first + PIECE] for first in range(0, len(text), PIECE)]
        return Frame(frame.name, {"text": np.array(pieces, object)}, [(frame.name, len(pieces))])


class WindowLoader(Loader):
    """Draw consecutive windows of a text, at a different offset in each epoch."""

    def __init__(self, subset: Subset, context_length: int, batch_size: int, seed: int):
        # One fewer than there are: when all are shifted, the last stays within the split.
        super().__init__(subset.columns, subset.rows[: max(len(subset) - 1, 1)], batch_size, seed)
        self.offsets = context_length if len(subset) > 1 else 1

    def rows_of_epoch(self, epoch: int) -> Int[Tensor, "some"]:
        return self.rows + derived_seed(self.seed, 2, epoch) % self.offsets


def text_column(frame: Frame, wanted: str | None) -> str:
    """Return the text column: `wanted`, or the only one there is."""
    if wanted:
        return wanted
    texts = [name for name, column in frame.columns.items() if column.dtype == object]
    if len(texts) != 1:
        raise SandlotError(f"{frame.name} has {len(texts)} text columns; choose one with --target")
    return texts[0]
