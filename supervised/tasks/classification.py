"""Classes as targets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from sandlot.supervised.data import Frame, Part
from sandlot.supervised.evaluation.metrics import classification_measures
from sandlot.supervised.evaluation.plots import draw_confusion, draw_reliability, draw_roc
from sandlot.supervised.evaluation.worst_predictions import write_worst_predictions
from sandlot.supervised.fitting.monitor import Monitor
from sandlot.tracking import SandlotError
from sandlot.tracking.common.intervals import Interval, share_interval

from .prediction import TARGET, PredictingTask


class Classifying(PredictingTask):
    """Predict to which of several classes a row belongs. The outputs are logits."""

    monitor = Monitor("accuracy", higher=True)

    @property
    def classes(self) -> list[str]:
        """What the classes are called."""
        return self.metadata["classes"]

    @property
    def outputs(self) -> int:
        return len(self.classes)

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

    def encode_target(self, frame: Frame) -> Int[Tensor, "row"]:
        places = {name: place for place, name in enumerate(self.classes)}
        labels = self.labels(frame)
        for row, label in enumerate(labels):
            if label not in places:
                raise SandlotError(
                    f"{frame.place(row, self.target)}: no row to learn from has the class {label!r}; "
                    f"they have {', '.join(self.classes)}"
                )
        return torch.tensor([places[label] for label in labels])

    def in_words(self, outputs: Float[Tensor, "row output"]) -> list[dict[str, Any]]:
        sure, predicted = outputs.softmax(-1).max(-1)
        pairs = zip(predicted.tolist(), sure.tolist(), strict=True)
        return [{self.target: self.classes[place], "confidence": round(confidence, 4)} for place, confidence in pairs]

    def measure(self, part: Part) -> dict[str, float]:
        return classification_measures(self.predictions(part), self._true(part), self.classes)

    def interval_of(self, part: Part, measures: Mapping[str, float]) -> Interval:
        return share_interval(measures["accuracy"], len(part))

    def draw(self, part: Part, folder: Path) -> dict[str, Path]:
        logits, labels = self.predictions(part), self._true(part)
        probabilities, predicted = logits.softmax(-1), logits.argmax(-1)
        paths = {name: folder / f"{name}.png" for name in ("confusion", "roc", "reliability")}
        draw_confusion(paths["confusion"], predicted, labels, self.classes)
        draw_roc(paths["roc"], probabilities, labels, self.classes)
        draw_reliability(paths["reliability"], probabilities, labels)
        wrong = (predicted != labels).nonzero().squeeze(-1)
        if not len(wrong):
            return paths
        td_error = F.cross_entropy(logits[wrong], labels[wrong], reduction="none")
        worst = wrong[td_error.argsort(descending=True)]
        told = [
            [self.classes[labels[row]], self.classes[predicted[row]], probabilities[row].max().item()]
            for row in worst.tolist()
        ]
        rows, columns = part.rows[worst.numpy()], ("true", "predicted", "confidence")
        return {**paths, **write_worst_predictions(folder, self.frame, rows, self.metadata["inputs"], columns, told)}

    def _true(self, part: Part) -> Int[Tensor, "row"]:
        return part.columns[TARGET].cpu()[torch.from_numpy(part.rows)]


def _natural(name: str) -> tuple[int, str]:
    """Order numbers by size and before words."""
    return (int(name), "") if name.isdigit() else (10**9, name)
