"""What autoencoders share: rows to codes and back, and what can be seen of that."""

from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from sandlot.generative.base import LABEL, Label, Latent, Model, Rows
from sandlot.generative.networks import named
from sandlot.generative.plots import Shown, in_rows
from sandlot.supervised.data import Batch, Frame, Subset
from sandlot.supervised.fitting.monitor import Monitor
from sandlot.supervised.optimization.learner import Learner
from sandlot.supervised.transfer.trained_encoder import TrainedEncoder
from sandlot.tracking import SandlotError

EXAMINED = 256
"""Rows that are looked at together."""


class Autoencoder(Model):
    """A model with an encoder and a decoder, judged by its loss on rows that it has not learned from."""

    monitor = Monitor("loss", higher=False)

    @abstractmethod
    def make_module(self) -> nn.Module:
        """Return new networks."""

    @abstractmethod
    def loss(self, module: Any, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch that `with_noise` has prepared, and what to log."""

    @abstractmethod
    def with_noise(self, batch: Batch) -> Batch:
        """Return what the loss needs beside the rows `x`: random numbers, coefficients."""

    @abstractmethod
    def latent(self, batch: Batch) -> Latent:
        """Return the code of each row, without noise."""

    def reconstruct(self, batch: Batch) -> Rows:
        """Return what is left of rows when they have been encoded and decoded."""
        return self.decode(self.latent(batch), batch.get(LABEL))

    def fit_preprocessing(self, train: Frame) -> dict[str, Any]:
        metadata = super().fit_preprocessing(train)
        size, numbers = self.config.latent_size, prod(metadata["shape"])
        if size > numbers:
            raise SandlotError(f"a latent_size of {size} is larger than the data, whose rows are of {numbers} numbers")
        return metadata

    def build(self) -> dict[str, Learner]:
        return {"network": Learner(self.make_module(), self.loss, self.config)}

    @property
    def module(self) -> Any:
        """The networks."""
        return self.learners["network"].module

    def prepared(self, batch: Batch) -> Batch:
        """Return a batch as the loss reads it."""
        return self.with_noise({**batch, "x": self.rows(batch)})

    def train_step(self, batches: Sequence[Batch]) -> None:
        self.learners["network"].step(*(self.prepared(self.augment(batch)) for batch in batches))

    def forward_pass(self, name: str, batch: Batch) -> None:
        self.loss(self.module, self.prepared(batch))

    def trained_encoder(self) -> TrainedEncoder:
        """Return what reads the rows, for an agent or another task to start from."""
        tensors = {f"encoder.{name}": value.cpu().numpy() for name, value in self.module.encoder.state_dict().items()}
        scale = {"mean": [0.0] * self.shape[0], "std": [255.0] * self.shape[0]} if self.makes_images else {}
        config = named(self.config) if self.makes_images else self.config
        return TrainedEncoder.of(self.metadata["kind"], {**self.metadata["preprocessing"], **scale}, config, tensors)

    def compute_metrics(self, subset: Subset) -> dict[str, float]:
        return means(partial(self.loss, self.module), map(self.prepared, subset.batches(EXAMINED)))

    @property
    def watched(self) -> str:
        """The part of the data whose rows are shown: the validation, if there are any in it."""
        return "validation" if len(self.subset("validation")) else "train"

    @property
    def shown_part(self) -> str:
        """The part of the data that is looked at when it has learned: the test, if there are any rows in it."""
        return "test" if len(self.subset("test")) else self.watched

    def show(self) -> dict[str, Shown]:
        """Return rows of the validation, each above its reconstruction."""
        batch = self.some(self.watched, 32)
        return {"reconstructions": in_rows(self.rows(batch), self.reconstruct(batch))}

    def code(self, subset: Subset) -> tuple[Latent, Label]:
        """Return the code of each row of a part, and its class."""
        codes = torch.cat([self.latent(batch) for batch in subset.batches(EXAMINED)])
        labels = subset.columns[LABEL][torch.from_numpy(subset.rows)] if LABEL in subset.columns else None
        return codes, labels


def means(loss: Any, batches: Any) -> dict[str, float]:
    """Return the means, over all rows of `batches`, of the single numbers that `loss` measures."""
    totals: dict[str, float] = {}
    rows = 0
    for batch in batches:
        for name, value in loss(batch)[1].items():
            if value.ndim == 0:
                totals[name] = totals.get(name, 0.0) + value.item() * len(batch["x"])
        rows += len(batch["x"])
    return {name: total / rows for name, total in totals.items()}
