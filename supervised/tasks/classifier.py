"""Classification."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from tracking import SandlotError, require

from ..data import Batch, Frame, Part
from ..measures import classification_measures
from ..mixup import OTHER, SHARE
from ..task import Goal
from .predicting import TARGET, PredictingConfig, PredictingTask


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig(PredictingConfig):
    """Hyperparameters of a classifier."""

    label_smoothing: float = 0.0
    """Share of a label's certainty that is spread over all classes."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.label_smoothing < 1, "label_smoothing must be in [0, 1)", self.label_smoothing)


def classification_loss(module: Any, batch: Batch, label_smoothing: float) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the cross-entropy of the true classes, and what to log."""
    logits = module(batch)
    loss = F.cross_entropy(logits, batch[TARGET], label_smoothing=label_smoothing)
    if OTHER in batch:
        other = F.cross_entropy(logits, batch[OTHER], label_smoothing=label_smoothing)
        loss = batch[SHARE] * loss + (1 - batch[SHARE]) * other
    accuracy = (logits.detach().argmax(-1) == batch[TARGET]).float().mean()
    return loss, {"loss": loss.detach(), "accuracy": accuracy}


class Classifier(PredictingTask):
    """Tell to which of several classes a row belongs."""

    name = "classifier"
    Config = ClassifierConfig
    goal = Goal("accuracy", higher=True)
    config: ClassifierConfig

    @property
    def classes(self) -> list[str]:
        """What the classes are called."""
        return self.facts["classes"]

    @property
    def outputs(self) -> int:
        return len(self.classes)

    def loss(self, module: Any, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        return classification_loss(module, batch, self.config.label_smoothing)

    def strata(self, frame: Frame) -> np.ndarray:
        return np.array(self.labels(frame))

    def labels(self, frame: Frame) -> list[str]:
        """Return the class of each row, by name."""
        column = frame.column(self.target)
        if self.target in frame.classes:
            names = frame.classes[self.target]
            for row, value in enumerate(column):
                if not 0 <= value < len(names):
                    place = frame.place(row, self.target)
                    raise SandlotError(f"{place}: there is no class {value}; there are {len(names)}, from 0 on")
            return [names[int(value)] for value in column]
        if column.dtype == object:
            return frame.texts(self.target)
        values = frame.numbers(self.target)
        if (values != np.round(values)).any():
            raise SandlotError(
                f"the column {self.target!r} of {frame.name} holds measurements, not classes; train a regressor"
            )
        return [str(int(value)) for value in values]

    def learn_target(self, train: Frame) -> dict[str, Any]:
        seen = set(self.labels(train))
        if len(seen) < 2:
            raise SandlotError(
                f"the column {self.target!r} of {train.name} is always {seen.pop()!r}; there is nothing to tell apart"
            )
        names = train.classes.get(self.target) or sorted(seen, key=_natural)
        return {"classes": [name for name in names if name in seen]}

    def encode_target(self, frame: Frame) -> Tensor:
        places = {name: place for place, name in enumerate(self.classes)}
        labels = self.labels(frame)
        for row, label in enumerate(labels):
            if label not in places:
                raise SandlotError(
                    f"{frame.place(row, self.target)}: no row to learn from has the class {label!r}; "
                    f"they have {', '.join(self.classes)}"
                )
        return torch.tensor([places[label] for label in labels])

    def measure(self, part: Part) -> dict[str, float]:
        return classification_measures(*self.answers(part), self.classes)

    def answers(self, part: Part) -> tuple[Float[Tensor, "row class"], Int[Tensor, "row"]]:
        """Return the logits and the true class of each row."""
        return self.predict(part).cpu(), part.columns[TARGET].cpu()[torch.from_numpy(part.rows)]


def _natural(name: str) -> tuple[int, str]:
    """Order numbers by size and before words."""
    return (int(name), "") if name.isdigit() else (10**9, name)
