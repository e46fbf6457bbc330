"""Language models."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from sandlot.supervised.data import Batch, Frame, Loader, Part, Split, ordered_split
from sandlot.supervised.encoder_builder import MEMORIES, EncoderConfig, following
from sandlot.supervised.fitting.config import FitConfig
from sandlot.supervised.fitting.monitor import Monitor
from sandlot.supervised.modalities.tokenizer import Tokenizer, Units
from sandlot.supervised.networks import Memory
from sandlot.supervised.optimization.learner import Learner
from sandlot.supervised.optimization.schedules import LearningRateSchedule
from sandlot.tracking import SandlotError, derived_seed, require

from .base import Data, Task

TOKENS = "tokens"
PIECE = 100
"""Characters of a text that are shared out together."""


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
    units: Units = "characters"
    """What texts are cut into."""
    vocabulary: int = 2000
    """Byte pairs that are learned, at most."""
    context: int = 128
    """Tokens of a row in a batch."""

    def __post_init__(self) -> None:
        FitConfig.__post_init__(self)
        EncoderConfig.__post_init__(self)
        for name in ("vocabulary", "context"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1", getattr(self, name))


class LanguageNetwork(nn.Module):
    """Say after each token how likely each other is to come next."""

    compiles = False

    def __init__(self, vocabulary: int, config: LanguageModelConfig):
        super().__init__()
        name = "transformer" if config.network == "auto" else config.network
        if name not in MEMORIES:
            raise SandlotError(f"the network {name!r} does not read sequences; {', '.join(MEMORIES)} do")
        self.embed = nn.Embedding(vocabulary, config.memory_size)
        if name == "transformer":
            nn.init.normal_(self.embed.weight, std=0.02)  # as GPT-2's: residual sums grow from little
        self.drop = nn.Dropout(config.dropout)
        try:
            self.encoder = following(name, config.memory_size, config)
        except ValueError as error:
            raise SandlotError(str(error)) from error
        self.head = nn.Linear(self.encoder.feature_size, vocabulary)

    def forward(self, batch: Batch) -> Float[Tensor, "time row token"]:
        """Return the logits of the token after each but the last."""
        tokens = batch[TOKENS][:, :-1].T
        episode_start = torch.zeros(tokens.shape, dtype=torch.bool, device=tokens.device)
        embedded = self.drop(self.embed(tokens))
        return self.head(
            self.drop(self.encoder.features(embedded, self.encoder.no_memory(tokens.shape[1]), episode_start))
        )

    def after(self, token: Tensor, memory: Memory) -> tuple[Float[Tensor, "row token"], Memory]:
        """Return the logits of what comes after a token of each row, and the memory."""
        episode_start = torch.zeros(1, len(token), dtype=torch.bool, device=token.device)
        features, memory = self.encoder(self.embed(token[None]), memory, episode_start)
        return self.head(features[0]), memory


def language_loss(module: Any, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the mean surprise at the next token, in nats, and what to log."""
    loss = F.cross_entropy(module(batch).flatten(0, 1), batch[TOKENS][:, 1:].T.flatten())
    return loss, {"loss": loss.detach()}


class LanguageModel(Task):
    """Say how a text goes on. The end of the texts is for the test."""

    name = "language-model"
    Config = LanguageModelConfig
    monitor = Monitor("loss", higher=False)
    config: LanguageModelConfig

    def find_columns(self, frame: Frame) -> dict[str, Any]:
        return {}

    def split_rows(self, frame: Frame) -> Split:
        return ordered_split(len(frame), self.config.validation_share, self.config.test_share)

    def fit_preprocessing(self, train: Frame) -> dict[str, Any]:
        pieces = list(train.columns["text"])
        return {"tokenizer": Tokenizer.learned(pieces, self.config.units, self.config.vocabulary).metadata}

    def encode(self, frame: Frame) -> dict[str, Tensor]:
        """Return all windows of the text of each part, which overlap, as views of its tokens."""
        assert self.split is not None
        tokenizer, window = Tokenizer(self.metadata["tokenizer"]), self.config.context + 1
        self.spans: dict[str, tuple[int, int]] = {}
        self.characters: dict[str, float] = {}
        tokens: list[int] = []
        for part in ("train", "validation", "test"):
            text = "".join(frame.columns["text"][self.split.rows(part)])
            begin = len(tokens)
            tokens += tokenizer.encode(text)
            self.spans[part] = (begin, len(tokens))
            self.characters[part] = len(text) / max(len(tokens) - begin, 1)
        if self.spans["train"][1] < window:
            raise SandlotError(
                f"{frame.name} has {self.spans['train'][1]} tokens to learn from, too few for a context of "
                f"{self.config.context}"
            )
        return {TOKENS: torch.tensor(tokens).unfold(0, window, 1)}

    def part(self, name: str) -> Part:
        super().part(name)  # which complains if there is no data
        begin, end = self.spans[name]
        return Part(name, self.columns, np.arange(begin, end - self.config.context, self.config.context))

    def loader(self) -> Loader:
        return WindowLoader(self.part("train"), self.config.context, self.config.batch_size, self.seed)

    def build(self) -> dict[str, Learner]:
        self.tokenizer = Tokenizer(self.metadata["tokenizer"])
        network = LanguageNetwork(len(self.tokenizer), self.config)
        return {"network": Learner(network, language_loss, self.config)}

    def train_step(self, batches: Sequence[Batch]) -> None:
        self.learners["network"].step(*batches)

    def measure(self, part: Part) -> dict[str, float]:
        network: Any = self.learners["network"].module
        total = 0.0
        for batch in part.batches(self.config.batch_size):
            total += float(language_loss(network, batch)[0]) * len(batch[TOKENS])
        loss = total / len(part)
        bits = loss / math.log(2) / self.characters[part.name]
        return {"loss": loss, "perplexity": math.exp(min(loss, 700.0)), "bits_per_character": bits}

    @torch.no_grad()
    def sample(self, prompt: str, tokens: int, temperature: float = 1.0, seed: int = 0) -> str:
        """Return `prompt` and how it goes on for so many `tokens`. At temperature 0, each is the likeliest."""
        network: Any = self.learners["network"].module.eval()
        device = self.learners["network"].device
        generator = torch.Generator().manual_seed(derived_seed(seed, 0))
        written = self.tokenizer.encode(prompt)
        if not written:
            raise SandlotError("the prompt is empty; give at least a letter")
        memory, logits = network.encoder.initial_memory(1), None
        for token in written:
            logits, memory = network.after(torch.tensor([token], device=device), memory)
        for _ in range(tokens):
            assert logits is not None
            if temperature > 0:
                chances = (logits[0] / temperature).softmax(-1).cpu()
                token = int(torch.multinomial(chances, 1, generator=generator))
            else:
                token = int(logits[0].argmax())
            written.append(token)
            logits, memory = network.after(torch.tensor([token], device=device), memory)
        return self.tokenizer.decode(written)

    def _read(self, data: Data) -> Frame:
        frame = super()._read(data)
        text = "".join(f"{piece}\n" for piece in frame.texts(text_column(frame, self.config.target)))
        pieces = [text[first : first + PIECE] for first in range(0, len(text), PIECE)]
        return Frame(frame.name, {"text": np.array(pieces, object)}, [(frame.name, len(pieces))])


class WindowLoader(Loader):
    """Windows of a text that follow each other, and begin, in each epoch, somewhere else."""

    def __init__(self, part: Part, context: int, batch_size: int, seed: int):
        # One less than there are: when all are moved, the last stays within its part.
        super().__init__(part.columns, part.rows[: max(len(part) - 1, 1)], batch_size, seed)
        self.room = context if len(part) > 1 else 1

    def rows_of_epoch(self, epoch: int) -> Int[Tensor, "some"]:
        return self.rows + derived_seed(self.seed, 2, epoch) % self.room


def text_column(frame: Frame, wanted: str | None) -> str:
    """Return the column of texts: the one that is wanted, or the only one there is."""
    if wanted:
        return wanted
    texts = [name for name, column in frame.columns.items() if column.dtype == object]
    if len(texts) != 1:
        raise SandlotError(f"{frame.name} has {len(texts)} columns of texts; name one with --target")
    return texts[0]
