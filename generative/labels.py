"""The classes of a data set's rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Shaped

from sandlot.supervised.data import DataSplit, Frame
from sandlot.supervised.data.split import TRAIN, UNASSIGNED, VALIDATION
from sandlot.supervised.modalities import MODALITIES, modality_of
from sandlot.supervised.targets import TARGET_NAMES
from sandlot.tracking import SandlotError

from .config import GenerativeConfig

ClassNames = Shaped[np.ndarray, "row"]


def find_columns(frame: Frame, config: GenerativeConfig, model: str) -> dict[str, Any]:
    """Return the roles of a frame's columns: the label, if any, the kind of inputs, and the inputs."""
    label = config.target or next((name for name in TARGET_NAMES if name in frame.columns), None)
    columns = config.columns or tuple(name for name in frame.columns if name != label)
    if label is not None:
        frame.column(label)
    if not columns:
        raise SandlotError(f"{frame.name} has no columns beside {label!r}")
    kind, columns = modality_of(frame, columns)
    if kind not in ("images", "tables"):
        raise SandlotError(f"the {model} learns from images or numbers, and {frame.name} holds {kind}")
    return {"label": label, "kind": kind, "inputs": columns}


def fit_inputs(train: Frame, metadata: Mapping[str, Any], config: GenerativeConfig) -> tuple[dict[str, Any], list[int]]:
    """Return the preprocessing of the inputs, fitted to the train split, and the shape of a row."""
    inputs = metadata["inputs"]
    if metadata["kind"] == "tables":
        preprocessing = MODALITIES["tables"].fit(train, inputs, config)
        return preprocessing, [len(preprocessing["scales"]) + sum(map(len, preprocessing["categories"].values()))]
    height, width, channels = train.columns[inputs[0]].shape[1:]
    shape = [channels, height, width]
    return {"columns": inputs, "shape": shape}, shape


def class_names(frame: Frame, column: str | None) -> ClassNames | None:
    """Return the name of each row's class, which `column` holds; None without such a column."""
    if column is None:
        return None
    values = frame.column(column)
    if column in frame.classes:
        names = frame.classes[column]
        invalid = next((row for row, value in enumerate(values) if not 0 <= value < len(names)), None)
        if invalid is not None:
            raise SandlotError(f"{frame.place(invalid, column)}: there is no class {values[invalid]}")
        return np.array([names[int(value)] for value in values])
    if values.dtype == object:
        return np.array(frame.texts(column))
    return np.array([f"{value:g}" for value in frame.numbers(column)])


def ordered_classes(known: Sequence[str] | None, present: set[str]) -> list[str]:
    """Return the classes that are `present` in the order of the `known` ones, or else sorted, integers by value."""
    if known is not None:
        return [name for name in known if name in present]
    return sorted(present, key=lambda name: (0, float(name), "") if name.lstrip("-").isdigit() else (1, 0.0, name))


def refuse_unseen_classes(split: DataSplit, names: ClassNames, data: str) -> None:
    """Raise `SandlotError` if a class has rows for validation or the test of `data`, but none for training."""
    trained = set(names[split.assignment == TRAIN].tolist())
    unseen = sorted(set(names[split.assignment > TRAIN].tolist()) - trained)
    if unseen:
        raise SandlotError(
            f"{data} has no training row of the class {unseen[0]!r}, which a conditional model would need; it has "
            f"{', '.join(sorted(trained))}"
        )


def hold_out_class(split: DataSplit, held_out: str, names: ClassNames | None, data: str) -> DataSplit:
    """Return the split of `data` with the class `held_out` left out of training and validation, not of the test."""
    if names is None or held_out not in names:
        known = "no classes" if names is None else ", ".join(np.unique(names))
        raise SandlotError(f"there is no class {held_out!r} to hold out of {data}; it has {known}")
    dropped = np.isin(split.assignment, (TRAIN, VALIDATION)) & (names == held_out)
    return DataSplit(np.where(dropped, UNASSIGNED, split.assignment).astype(np.int8))
