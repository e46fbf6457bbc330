"""What classifiers and regressors share, whatever learns in them: columns to predict a column from."""

from abc import abstractmethod
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sandlot.supervised.data import Batch, Frame, Part, Split, stratified_split, without_copies
from sandlot.supervised.modalities import MODALITIES, Modality, modality_of
from sandlot.tracking import SandlotError

from .base import Task

TARGETS = ("label", "target", "class", "y")
TARGET = "target"
AT_ONCE = 256
"""Rows that are predicted together."""


class PredictingTask(Task):
    """Predict one column of the data from others. Subclasses say of what kind it is, and what learns it."""

    @abstractmethod
    def learn_target(self, train: Frame) -> dict[str, Any]:
        """Return what there is to know of the target."""

    @abstractmethod
    def encode_target(self, frame: Frame) -> Tensor:
        """Return the target of each row."""

    @abstractmethod
    def strata(self, frame: Frame) -> np.ndarray:
        """Return what each part of the data should have the same mix of, for each row."""

    @abstractmethod
    def outputs_of(self, batch: Batch) -> Float[Tensor, "row output"]:
        """Return what is predicted of each row, in numbers."""

    @abstractmethod
    def in_words(self, outputs: Float[Tensor, "row output"]) -> list[dict[str, Any]]:
        """Return predictions as they are told to people, by name."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """How many numbers are predicted of a row."""

    @property
    def target(self) -> str:
        """The column to predict."""
        return self.metadata["target"]

    @property
    def modality(self) -> Modality:
        """The kind of inputs."""
        return MODALITIES[self.metadata["kind"]]

    def find_columns(self, frame: Frame) -> dict[str, Any]:
        target = self.config.target or next((name for name in TARGETS if name in frame.columns), None)
        target = target or list(frame.columns)[-1]
        frame.column(target)
        columns = self.config.columns or tuple(name for name in frame.columns if name != target)
        if not columns or target in columns:
            raise SandlotError(f"there must be columns beside {target!r} to predict it from, in {frame.name}")
        kind, columns = modality_of(frame, columns)
        return {"target": target, "kind": kind, "inputs": columns}

    def split_rows(self, frame: Frame) -> Split:
        inputs, shares = self.metadata["inputs"], (self.config.validation_share, self.config.test_share)
        split = stratified_split(frame, inputs, self.strata(frame), *shares, self.seed)
        # A text or an image that the source's own test repeats is a copy. Rows of a table may be alike and yet
        # different cases.
        return split if self.metadata["kind"] == "tables" else without_copies(split, frame, inputs)

    def fit_preprocessing(self, train: Frame) -> dict[str, Any]:
        target = self.learn_target(train)
        return {"reading": self.modality.learn(train, self.metadata["inputs"], self.config), **target}

    def encode(self, frame: Frame) -> dict[str, Tensor]:
        return {**self.encode_inputs(frame), TARGET: self.encode_target(frame)}

    def encode_inputs(self, frame: Frame) -> dict[str, Tensor]:
        """Return what is read of each row, as tensors."""
        return self.modality.encode(frame, self.metadata["reading"])

    def predictions(self, part: Part) -> Float[Tensor, "row output"]:
        """Return what is predicted of each row of a part."""
        return torch.cat([self.outputs_of(batch).cpu() for batch in part.batches(AT_ONCE)])

    def predict(self, frame: Frame) -> list[dict[str, Any]]:
        columns = {name: column.to(self.device) for name, column in self.encode_inputs(frame).items()}
        self.train(False)
        with torch.no_grad():
            outputs = self.predictions(Part("new", columns, np.arange(len(frame))))
        told = self.in_words(outputs)
        return [{"row": frame.place(row), **words} for row, words in enumerate(told)]
