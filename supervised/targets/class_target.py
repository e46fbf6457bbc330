"""Classes as targets."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from sandlot.supervised.data import Frame
from sandlot.supervised.evaluation.metrics import classification_metrics
from sandlot.supervised.evaluation.plots import draw_confusion, draw_reliability, draw_roc
from sandlot.supervised.fitting.monitor import Monitor
from sandlot.tracking import SandlotError
from sandlot.tracking.common.intervals import Interval, share_interval

from .target import Ranking, Target


@dataclass(frozen=True)
class ClassTarget(Target):
    """One of several classes. Networks predict a logit for each."""

    classes: tuple[str, ...] = ()
    """The class names, in order of their indices."""

    monitor = Monitor("accuracy", higher=True)

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> Self:
        return cls(metadata["target"], tuple(metadata.get("classes", ())))

    @property
    def outputs(self) -> int:
        return len(self.classes)

    def strata(self, frame: Frame) -> np.ndarray:
        return np.array(self.labels(frame))

    def labels(self, frame: Frame) -> list[str]:
        """Return the class name of each row."""
        column = frame.column(self.column)
        if self.column in frame.classes:
            names = frame.classes[self.column]
            for row, value in enumerate(column):
                if not 0 <= value < len(names):
                    place = frame.place(row, self.column)
                    raise SandlotError(f"{place}: there is no class {value}; there are {len(names)}, from 0 on")
            return [names[int(value)] for value in column]
        if column.dtype == object:
            return frame.texts(self.column)
        values = frame.numbers(self.column)
        if (values != np.round(values)).any():
            raise SandlotError(
                f"the column {self.column!r} of {frame.name} contains measurements, not classes; use a regressor"
            )
        return [str(int(value)) for value in values]

    def fit(self, train: Frame) -> dict[str, Any]:
        seen = set(self.labels(train))
        if len(seen) < 2:
            raise SandlotError(
                f"the column {self.column!r} of {train.name} is always {seen.pop()!r}; "
                f"a classifier needs at least two classes"
            )
        names = train.classes.get(self.column) or sorted(seen, key=_natural)
        return {"classes": [name for name in names if name in seen]}

    def encode(self, frame: Frame) -> Int[Tensor, "row"]:
        places = {name: place for place, name in enumerate(self.classes)}
        labels = self.labels(frame)
        for row, label in enumerate(labels):
            if label not in places:
                raise SandlotError(
                    f"{frame.place(row, self.column)}: no training row has the class {label!r}; "
                    f"their classes are {', '.join(self.classes)}"
                )
        return torch.tensor([places[label] for label in labels])

    def decode(self, outputs: Float[Tensor, "row class"]) -> list[dict[str, Any]]:
        confidence, predicted = outputs.softmax(-1).max(-1)
        pairs = zip(predicted.tolist(), confidence.tolist(), strict=True)
        return [{self.column: self.classes[place], "confidence": round(value, 4)} for place, value in pairs]

    def metrics(self, outputs: Float[Tensor, "row class"], target: Int[Tensor, "row"]) -> dict[str, float]:
        return classification_metrics(outputs, target, self.classes)

    def interval(
        self, outputs: Float[Tensor, "row class"], target: Int[Tensor, "row"], metrics: Mapping[str, float]
    ) -> Interval:
        return share_interval(metrics["accuracy"], len(target))

    def plot(self, outputs: Float[Tensor, "row class"], target: Int[Tensor, "row"], folder: Path) -> dict[str, Path]:
        probabilities, predicted = outputs.softmax(-1), outputs.argmax(-1)
        paths = {name: folder / f"{name}.png" for name in ("confusion", "roc", "reliability")}
        draw_confusion(paths["confusion"], predicted, target, self.classes)
        draw_roc(paths["roc"], probabilities, target, self.classes)
        draw_reliability(paths["reliability"], probabilities, target)
        return paths

    def rank_errors(self, outputs: Float[Tensor, "row class"], target: Int[Tensor, "row"]) -> Ranking:
        probabilities, predicted = outputs.softmax(-1), outputs.argmax(-1)
        wrong = (predicted != target).nonzero().squeeze(-1)
        loss = F.cross_entropy(outputs[wrong], target[wrong], reduction="none")
        worst = wrong[loss.argsort(descending=True)]
        cells = [
            [self.classes[target[row]], self.classes[predicted[row]], probabilities[row].max().item()]
            for row in worst.tolist()
        ]
        return Ranking(worst.numpy(), ("true", "predicted", "confidence"), cells)


def _natural(name: str) -> tuple[int, str]:
    """Sort numbers by size and before words."""
    return (int(name), "") if name.isdigit() else (10**9, name)
