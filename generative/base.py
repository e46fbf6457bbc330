"""What generative models share: what they read of the data, and what they show of themselves."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sandlot.supervised.data import Batch, DataSplit, Frame, Subset, rows_of, stratified_split
from sandlot.supervised.data.split import TRAIN, UNASSIGNED, VALIDATION
from sandlot.supervised.modalities import MODALITIES, modality_of
from sandlot.supervised.modalities.augmentation import augment_images
from sandlot.supervised.modalities.columns import IMAGE, TABLE
from sandlot.supervised.optimization.random_state import seeded_rng
from sandlot.supervised.targets import TARGET_NAMES
from sandlot.supervised.tasks.base import Task
from sandlot.tracking import SandlotError, derived_seed

from .plots import Shown, draw_rows

LABEL = "label"
SHOWN = 64
"""Rows in a picture of samples."""
NOISE_SEED = 4

Rows = Float[Tensor, "row ..."]
"""Images with pixels between 0 and 1, or rows of a table, scaled."""
Latent = Float[Tensor, "row latent"]
Label = Int[Tensor, "row"] | None


class Model(Task):
    """Something that learns to make rows like those of its data: images of one shape, or rows of numbers."""

    config: Any

    spherical = True
    """Whether codes lie on a sphere, nearly, so that the way from one to another is an arc."""

    @abstractmethod
    def draw_codes(self, count: int) -> Latent:
        """Return new codes to make rows from, with torch's random numbers."""

    @abstractmethod
    def decode(self, latent: Latent, label: Label = None) -> Rows:
        """Return the rows for some codes; of the classes of `label`, if the model knows classes."""

    def sample(self, count: int, label: Label = None) -> Rows:
        """Make new rows, with torch's random numbers; of the classes of `label`, if the model knows classes."""
        return self.decode(self.draw_codes(count), label)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a row: channels, height and width, or the numbers of a table."""
        return tuple(self.metadata["shape"])

    @property
    def makes_images(self) -> bool:
        """Whether its rows are images."""
        return self.metadata["kind"] == "images"

    @property
    def classes(self) -> list[str]:
        """What the classes of the data are called, if it has any."""
        return self.metadata["classes"]

    @property
    def knows_classes(self) -> bool:
        """Whether it can be asked for rows of a class."""
        return False

    @property
    def conditions(self) -> int:
        """How many classes it can be asked for."""
        return len(self.classes) if self.knows_classes else 0

    def find_columns(self, frame: Frame) -> dict[str, Any]:
        label = self.config.target or next((name for name in TARGET_NAMES if name in frame.columns), None)
        columns = self.config.columns or tuple(name for name in frame.columns if name != label)
        if label is not None:
            frame.column(label)
        if not columns:
            raise SandlotError(f"{frame.name} has no columns beside {label!r}")
        kind, columns = modality_of(frame, columns)
        if kind not in ("images", "tables"):
            raise SandlotError(f"the {self.name} learns from images or numbers, and {frame.name} holds {kind}")
        return {"label": label, "kind": kind, "inputs": columns}

    def split_rows(self, frame: Frame) -> DataSplit:
        labels = self._labels(frame)
        strata = np.zeros(len(frame)) if labels is None else labels
        shares = (self.config.validation_share, self.config.test_share)
        split = stratified_split(frame, self.metadata["inputs"], strata, *shares, self.seed)
        return self._without_held_out(split, labels, frame)

    def fit_preprocessing(self, train: Frame) -> dict[str, Any]:
        labels = self._labels(train)
        classes = [] if labels is None else _in_order(train.classes.get(self.metadata["label"]), set(labels))
        if self.knows_classes and not classes:
            raise SandlotError(f"{train.name} has no column of classes to make rows of; name one with --target")
        if self.knows_classes and self.config.held_out:
            raise SandlotError("a model that is told classes can't have one held out")
        if self.metadata["kind"] == "tables":
            preprocessing = MODALITIES["tables"].fit(train, self.metadata["inputs"], self.config)
            shape = [len(preprocessing["scales"]) + sum(map(len, preprocessing["categories"].values()))]
        else:
            height, width, channels = train.columns[self.metadata["inputs"][0]].shape[1:]
            shape = [channels, height, width]
            preprocessing = {"columns": self.metadata["inputs"], "shape": shape}
        return {"preprocessing": preprocessing, "shape": shape, "classes": classes}

    def encode(self, frame: Frame) -> dict[str, Tensor]:
        """Return the rows, and the place of their classes among those learned from; -1 for another class."""
        columns = MODALITIES[self.metadata["kind"]].encode(frame, self.metadata["preprocessing"])
        labels = self._labels(frame)
        if labels is None:
            return columns
        places = {name: place for place, name in enumerate(self.classes)}
        return {**columns, LABEL: torch.tensor([places.get(label, -1) for label in labels.tolist()])}

    def rows(self, batch: Batch) -> Rows:
        """Return what the model reads of a batch."""
        return batch[IMAGE].float() / 255 if self.makes_images else batch[TABLE]

    def augment(self, batch: Batch) -> Batch:
        """Return a batch to learn from, with its images changed as the config says."""
        if self.config.augment and self.makes_images:
            return {**batch, IMAGE: augment_images(batch[IMAGE], self.config.augment)}
        return batch

    def some(self, name: str, count: int) -> Batch:
        """Return up to `count` rows of a part of the data, the same ones whenever it is asked."""
        rows = self.subset(name).rows
        chosen = np.random.default_rng(derived_seed(self.seed, NOISE_SEED)).permutation(rows)[:count]
        return rows_of(self.columns, torch.from_numpy(chosen))

    def plot_samples(self, folder: Path) -> dict[str, Path]:
        """Draw samples, always from the same noise, and what else the model can show."""
        self.train(False)
        with torch.no_grad(), self.thread_context(), seeded_rng(derived_seed(self.seed, NOISE_SEED)):
            samples = Shown(self.sample(SHOWN, self.asked_for(SHOWN)), self.conditions or 8)
            shown = {"samples": samples, **self.show()}
            reality = self.rows(self.some("train", 1 if self.makes_images else 1000))
        return {name: draw_rows(folder / f"{name}.png", some, reality) for name, some in shown.items()}

    def plot_evaluation(self, subset: Subset, folder: Path) -> dict[str, Path]:
        """Draw the same when it has learned."""
        return self.plot_samples(folder)

    def show(self) -> dict[str, Shown]:
        """Return rows that show what the model has learned, beside samples, by name."""
        return {}

    def asked_for(self, count: int) -> Label:
        """Return classes to ask for, in turn, if the model can be asked."""
        return torch.arange(count, device=self.device) % self.conditions if self.conditions else None

    def _labels(self, frame: Frame) -> np.ndarray | None:
        """Return the class of each row, by name, if there are classes."""
        label = self.metadata["label"]
        if label is None:
            return None
        column = frame.column(label)
        if label in frame.classes:
            names = frame.classes[label]
            bad = next((row for row, value in enumerate(column) if not 0 <= value < len(names)), None)
            if bad is not None:
                raise SandlotError(f"{frame.place(bad, label)}: there is no class {column[bad]}")
            return np.array([names[int(value)] for value in column])
        if column.dtype == object:
            return np.array(frame.texts(label))
        return np.array([f"{value:g}" for value in frame.numbers(label)])

    def _without_held_out(self, split: DataSplit, labels: np.ndarray | None, frame: Frame) -> DataSplit:
        """Return a split in which the rows of the class that is held out are tested alone."""
        held_out = self.config.held_out
        if not held_out:
            return split
        if labels is None or held_out not in labels:
            known = "no classes" if labels is None else ", ".join(np.unique(labels))
            raise SandlotError(f"there is no class {held_out!r} to hold out of {frame.name}; it has {known}")
        learned = np.isin(split.assignment, (TRAIN, VALIDATION)) & (labels == held_out)
        return DataSplit(np.where(learned, UNASSIGNED, split.assignment).astype(np.int8))


def _in_order(names: Sequence[str] | None, seen: set[str]) -> list[str]:
    if names is not None:
        return [name for name in names if name in seen]
    return sorted(seen, key=lambda name: (0, float(name), "") if name.lstrip("-").isdigit() else (1, 0.0, name))
