"""The train, validation and test split of a data set."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, Int8, Shaped

from sandlot.tracking import SandlotError, derived_seed

from .frame import Column, Frame

SUBSETS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)
UNASSIGNED, DUPLICATE = -1, -2
"""Rows in no subset: held out of all of them, or dropped because a later subset has the same row."""
SUBSET_WORDS = {"test": TEST, "validation": VALIDATION, "valid": VALIDATION, "val": VALIDATION}


class DataSplit:
    """Assign each row to one of three subsets: train, validation or test."""

    def __init__(self, assignment: Int8[np.ndarray, "row"]):
        self.assignment = assignment
        """For each row, its subset's place in `SUBSETS`, or `UNASSIGNED` or `DUPLICATE`."""

    @property
    def duplicates(self) -> int:
        """How many rows are dropped because the source has the same ones in a later subset."""
        return int((self.assignment == DUPLICATE).sum())

    def rows(self, subset: str) -> Int[np.ndarray, "some"]:
        """Return the rows of the subset called `subset`, in order."""
        if subset not in SUBSETS:
            raise SandlotError(f"there is no data split {subset!r}; the splits are {', '.join(SUBSETS)}")
        return np.flatnonzero(self.assignment == SUBSETS.index(subset))


def stratified_split(
    frame: Frame, inputs: Sequence[str], strata: Shaped[np.ndarray, "row"], validation: float, test: float, seed: int
) -> DataSplit:
    """Split at random, keeping the proportions of `strata` in each subset as far as the rows allow.

    Rows with equal `inputs` stay together, so no copy of a test row is trained on. Rows that the source itself
    assigns to a subset stay in it.
    """
    groups = group_equal_rows([frame.columns[name] for name in inputs])
    given = np.full(len(frame), UNASSIGNED) if frame.source_split is None else frame.source_split
    assignment = given.astype(np.int8)
    shares = (validation, 0.0 if (given == TEST).any() else test)
    if (given == VALIDATION).any():
        shares = (0.0, shares[1])
    rng = np.random.default_rng(derived_seed(seed, 0))
    free = np.flatnonzero(given == UNASSIGNED)
    leaders = free[np.unique(groups[free], return_index=True)[1]]
    subset_of_group = np.full(groups.max() + 1, TRAIN, np.int8)
    for stratum in np.unique(strata[leaders]):
        members = rng.permutation(leaders[strata[leaders] == stratum])
        for_test, for_validation = (round(share * len(members)) for share in (shares[1], (1 - shares[1]) * shares[0]))
        subset_of_group[groups[members[:for_test]]] = TEST
        subset_of_group[groups[members[for_test : for_test + for_validation]]] = VALIDATION
    assignment[free] = subset_of_group[groups[free]]
    return _checked(DataSplit(assignment), frame)


def drop_duplicates(split: DataSplit, frame: Frame, inputs: Sequence[str]) -> DataSplit:
    """Drop train and validation rows whose `inputs` equal those of a row that the source has in a later subset."""
    if frame.source_split is None:
        return split
    groups = group_equal_rows([frame.columns[name] for name in inputs])
    last = np.full(groups.max() + 1, TRAIN, np.int8)
    np.maximum.at(last, groups, split.assignment)
    kept = np.where(split.assignment < last[groups], DUPLICATE, split.assignment).astype(np.int8)
    return _checked(DataSplit(kept), frame)


def ordered_split(rows: int, validation: float, test: float) -> DataSplit:
    """Split rows in order of time: train first, then validation, the last ones for test."""
    for_test = round(test * rows)
    for_validation = round((1 - test) * validation * rows)
    assignment = np.full(rows, TRAIN, np.int8)
    assignment[rows - for_test - for_validation : rows - for_test] = VALIDATION
    assignment[rows - for_test :] = TEST
    return DataSplit(assignment)


def subset_from_path(path: Path) -> int:
    """Return the subset that a file's path names: `TEST`, `VALIDATION`, or `UNASSIGNED` for neither."""
    for piece in path.parts:
        for word in re.split(r"[^a-z]+", piece.lower()):
            if word in SUBSET_WORDS:
                return SUBSET_WORDS[word]
    return UNASSIGNED


def group_equal_rows(columns: Sequence[Column]) -> Int[np.ndarray, "row"]:
    """Return a group number for each row; rows with the same content share it."""
    seen: dict[bytes, int] = {}
    packed = [column if column.dtype == object else _bytes_of(column) for column in columns]
    return np.array([seen.setdefault(_content(packed, row), len(seen)) for row in range(len(packed[0]))])


def _bytes_of(column: Shaped[np.ndarray, "row ..."]) -> Shaped[np.ndarray, "row"]:
    flat = np.ascontiguousarray(column.reshape(len(column), -1))
    return flat.view(np.dtype((np.void, flat.dtype.itemsize * flat.shape[1])))[:, 0]


def _content(columns: list[Any], row: int) -> bytes:
    cells = (column[row] for column in columns)
    whole = b"\0".join(cell.tobytes() if isinstance(cell, np.void) else str(cell).encode() for cell in cells)
    # A digest, not the row: a hundred thousand frames would not fit into RAM twice.
    return hashlib.blake2b(whole, digest_size=16).digest()


def _checked(split: DataSplit, frame: Frame) -> DataSplit:
    if not len(split.rows("train")):
        raise SandlotError(f"{frame.name} has no rows left for training, of {len(frame)} in all")
    return split
