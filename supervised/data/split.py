"""Which rows are learned from, which watch over it, and which are kept for the test."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int, Int8, Shaped

from sandlot.tracking import SandlotError, derived_seed

from .frame import Column, Frame

PARTS = ("train", "validation", "test")
TRAIN_PART, VALIDATION_PART, TEST_PART = range(3)
NO_PART, COPY = -1, -2
"""Of rows that are in no part: those that are kept out of all, and copies of what a later part has."""


class Split:
    """The part that each row belongs to. A row has one part, so no row can be in two."""

    def __init__(self, part_of: Int8[np.ndarray, "row"]):
        self.part_of = part_of

    @property
    def copies(self) -> int:
        """How many rows are left out, as the source gives a later part the same ones."""
        return int((self.part_of == COPY).sum())

    def rows(self, part: str) -> Int[np.ndarray, "some"]:
        """Return which rows belong to `part`, in order."""
        if part not in PARTS:
            raise SandlotError(f"there is no part {part!r} of the data; there are {', '.join(PARTS)}")
        return np.flatnonzero(self.part_of == PARTS.index(part))


def stratified_split(
    frame: Frame, inputs: Sequence[str], strata: Shaped[np.ndarray, "row"], validation: float, test: float, seed: int
) -> Split:
    """Share the rows out at random, with the same mix of `strata` in each part, as far as there are rows for it.

    Rows with the same `inputs` stay together: a copy of a row of the test is not learned from. Rows that the
    source itself gives for a part stay in it.
    """
    groups = same_rows([frame.columns[name] for name in inputs])
    given = np.full(len(frame), -1) if frame.given is None else frame.given
    part_of = given.astype(np.int8)
    shares = (validation, 0.0 if (given == TEST_PART).any() else test)
    if (given == VALIDATION_PART).any():
        shares = (0.0, shares[1])
    random = np.random.default_rng(derived_seed(seed, 0))
    free = np.flatnonzero(given == -1)
    leaders = free[np.unique(groups[free], return_index=True)[1]]
    dealt = np.full(groups.max() + 1, TRAIN_PART, np.int8)
    for stratum in np.unique(strata[leaders]):
        members = random.permutation(leaders[strata[leaders] == stratum])
        for_test, for_validation = (round(share * len(members)) for share in (shares[1], (1 - shares[1]) * shares[0]))
        dealt[groups[members[:for_test]]] = TEST_PART
        dealt[groups[members[for_test : for_test + for_validation]]] = VALIDATION_PART
    part_of[free] = dealt[groups[free]]
    return _checked(Split(part_of), frame)


def without_copies(split: Split, frame: Frame, inputs: Sequence[str]) -> Split:
    """Leave out what is learned from, or watches, and has the same `inputs` as a row that a later part was given."""
    if frame.given is None:
        return split
    groups = same_rows([frame.columns[name] for name in inputs])
    last = np.full(groups.max() + 1, TRAIN_PART, np.int8)
    np.maximum.at(last, groups, split.part_of)
    return _checked(Split(np.where(split.part_of < last[groups], COPY, split.part_of).astype(np.int8)), frame)


def ordered_split(rows: int, validation: float, test: float) -> Split:
    """Share rows that follow each other out in order: the last ones are for the test, those before watch."""
    for_test = round(test * rows)
    for_validation = round((1 - test) * validation * rows)
    part_of = np.full(rows, TRAIN_PART, np.int8)
    part_of[rows - for_test - for_validation : rows - for_test] = VALIDATION_PART
    part_of[rows - for_test :] = TEST_PART
    return Split(part_of)


def same_rows(columns: Sequence[Column]) -> Int[np.ndarray, "row"]:
    """Return a number for each row, which rows with the same content share."""
    seen: dict[bytes, int] = {}
    packed = [column if column.dtype == object else _bytes_of(column) for column in columns]
    return np.array([seen.setdefault(_content(packed, row), len(seen)) for row in range(len(packed[0]))])


def _bytes_of(column: Shaped[np.ndarray, "row ..."]) -> Shaped[np.ndarray, "row"]:
    flat = np.ascontiguousarray(column.reshape(len(column), -1))
    return flat.view(np.dtype((np.void, flat.dtype.itemsize * flat.shape[1])))[:, 0]


def _content(columns: list[Any], row: int) -> bytes:
    cells = (column[row] for column in columns)
    whole = b"\0".join(cell.tobytes() if isinstance(cell, np.void) else str(cell).encode() for cell in cells)
    # A digest, not the row: a hundred thousand frames would not fit the memory twice.
    return hashlib.blake2b(whole, digest_size=16).digest()


def _checked(split: Split, frame: Frame) -> Split:
    if not len(split.rows("train")):
        raise SandlotError(f"{frame.name} leaves no row to learn from; it has {len(frame)}")
    return split
