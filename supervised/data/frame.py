"""Rows with named columns, as read from a file or the hub."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from sandlot.tracking import SandlotError

Column = Shaped[np.ndarray, "row ..."]
"""Numbers, strings (None for an empty cell), or images as bytes [row height width channel]."""


@dataclass(frozen=True)
class Frame:
    """Hold rows with named columns, and where each row comes from, so that errors can point to it."""

    name: str
    columns: Mapping[str, Column]
    files: Sequence[tuple[str, int]]
    """The files that were read, each with its number of rows."""
    classes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Class names of the columns that hold class indices."""
    source_split: Int[np.ndarray, "row"] | None = None
    """The subset (see `split`) that the source itself assigns each row to; -1 where it assigns none."""
    unreadable: Sequence[str] = ()
    """Images that could not be read and were skipped."""
    index: Int[np.ndarray, "row"] | None = None
    """For a selection of rows (`take`): their numbers among all rows."""

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def take(self, rows: Int[np.ndarray, "some"]) -> "Frame":
        """Return a frame with these `rows` only."""
        columns = {name: column[rows] for name, column in self.columns.items()}
        index = rows if self.index is None else self.index[rows]
        return Frame(self.name, columns, self.files, self.classes, index=index)

    def place(self, row: int, column: str | None = None) -> str:
        """Return where a row, or one of its cells, comes from: file, row and column, for messages."""
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
        """Return a column of finite numbers. Raises `SandlotError` that points to the first cell that is not one."""
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
        """Return a column of texts. Raises `SandlotError` that points to the first empty one."""
        column = self.column(name)
        for row, value in enumerate(column):
            if value is None or not str(value).strip():
                raise SandlotError(f"{self.place(row, name)}: the text is empty")
        return [str(value) for value in column]

    def fingerprint(self) -> str:
        """Return a short hash of the contents."""
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


def concat_frames(name: str, frames: Sequence[Frame], subsets: Sequence[int]) -> Frame:
    """Concatenate frames with the same columns; `subsets` says which subset the source assigns each frame to."""
    first = frames[0]
    for frame in frames[1:]:
        if frame.columns.keys() != first.columns.keys():
            raise SandlotError(
                f"{frame.name} has the columns {', '.join(frame.columns)}, and {first.name} has "
                f"{', '.join(first.columns)}"
            )
    columns = {}
    for key in first.columns:
        shapes = {frame.columns[key].shape[1:] for frame in frames}
        if len(shapes) > 1:
            raise SandlotError(
                f"the images of {name} differ in size or colour mode; convert them with --image-size and --image-mode"
            )
        columns[key] = np.concatenate([frame.columns[key] for frame in frames])
    subset = np.concatenate([np.full(len(frame), number) for frame, number in zip(frames, subsets, strict=True)])
    files = [file for frame in frames for file in frame.files]
    unreadable = [place for frame in frames for place in frame.unreadable]
    return Frame(name, columns, files, first.classes, subset if (subset >= 0).any() else None, unreadable)


def looks_numeric(column: Column) -> bool:
    """Return whether at least half of a column's cells are numbers; the others may be mistakes."""
    if column.dtype != object:
        return column.ndim == 1
    return 2 * sum(map(_is_number, column)) >= len(column)


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
