"""Rows with named columns, as they were read."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from sandlot.tracking import SandlotError

Column = Shaped[np.ndarray, "row ..."]
"""Numbers, strings (None where nothing stands), or images as bytes [row height width channel]."""


@dataclass(frozen=True)
class Frame:
    """Rows with named columns, and where each row is from, so that what is wrong with it can be told."""

    name: str
    columns: Mapping[str, Column]
    files: Sequence[tuple[str, int]]
    """The files that were read, each with how many rows it gave."""
    classes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """For columns of numbers that stand for classes: what the classes are called."""
    given: Int[np.ndarray, "row"] | None = None
    """The part of the data (see `split`) that the source itself puts each row in; -1 for any but the test."""
    left_out: Sequence[str] = ()
    """Images that could not be read."""
    index: Int[np.ndarray, "row"] | None = None
    """Which of all rows these are, if they are not all."""

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def take(self, rows: Int[np.ndarray, "some"]) -> "Frame":
        """Return the frame of these `rows` alone."""
        columns = {name: column[rows] for name, column in self.columns.items()}
        index = rows if self.index is None else self.index[rows]
        return Frame(self.name, columns, self.files, self.classes, index=index)

    def place(self, row: int, column: str | None = None) -> str:
        """Return, in words, where a cell (or a whole row) is from."""
        row = row if self.index is None else int(self.index[row])
        words = [self.name]
        for file, count in self.files:
            if row < count:
                words = [file] if count == 1 else [file, f"row {row + 1}"]
                break
            row -= count
        return ", ".join([*words, *([f"column {column!r}"] if column else [])])

    def column(self, name: str) -> Column:
        """Return the column called `name`."""
        if name not in self.columns:
            raise SandlotError(f"{self.name} has no column {name!r}; it has {', '.join(self.columns)}")
        return self.columns[name]

    def numbers(self, name: str) -> Float[np.ndarray, "row"]:
        """Return a column of finite numbers. Raises `SandlotError` with the place of a cell that is none."""
        column = self.column(name)
        if column.ndim != 1:
            raise SandlotError(f"the column {name!r} of {self.name} holds images, not numbers")
        if column.dtype == object:
            column = np.array([self._number(row, name, value) for row, value in enumerate(column)])
        bad = np.flatnonzero(~np.isfinite(column.astype(float)))
        if len(bad):
            raise SandlotError(f"{self.place(int(bad[0]), name)}: a number is missing")
        return column.astype(float)

    def texts(self, name: str) -> list[str]:
        """Return a column of texts with something in them."""
        column = self.column(name)
        for row, value in enumerate(column):
            if value is None or not str(value).strip():
                raise SandlotError(f"{self.place(row, name)}: the text is empty")
        return [str(value) for value in column]

    def fingerprint(self) -> str:
        """Return a short hash of all that is in the frame."""
        digest = hashlib.blake2b(digest_size=8)
        for name, column in self.columns.items():
            digest.update(name.encode())
            digest.update(repr(column.tolist()).encode() if column.dtype == object else column.tobytes())
        return digest.hexdigest()

    def _number(self, row: int, name: str, value: Any) -> float:
        if value is None or value == "":
            raise SandlotError(f"{self.place(row, name)}: a number is missing")
        try:
            return float(value)
        except ValueError as error:
            raise SandlotError(f"{self.place(row, name)}: {value!r} is not a number") from error


def looks_numeric(column: Column) -> bool:
    """Tell whether a column is one of numbers, some of which may be mistakes: at least half of it are."""
    if column.dtype != object:
        return column.ndim == 1
    return 2 * sum(map(_is_number, column)) >= len(column)


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
