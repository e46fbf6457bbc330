"""Read tables, texts and images from files."""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sandlot.tracking import SandlotError

from .config import DataConfig
from .frame import Frame, concat_frames, looks_numeric
from .hub import read_parquet
from .images import SUFFIXES, read_images
from .split import subset_from_path

Rows = list[dict[str, Any]]


def read_path(path: Path, config: DataConfig) -> Frame:
    """Read a file, or a folder of images (with a subfolder for each class) or of tables."""
    if path.is_file() and path.suffix.lower() in SUFFIXES:
        return Frame(str(path), {"image": read_images([(path, str(path))], str(path), config)[0]}, [(str(path), 1)])
    if path.is_file():
        return read_tables(str(path), [path], config)
    images = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
    if images:
        return read_image_folder(path, images, config)
    tables = sorted(file for file in path.rglob("*") if file.suffix.lower() in TABLES)
    if not tables:
        kinds = ", ".join((*TABLES, *SUFFIXES))
        raise SandlotError(f"{path} contains no readable files; supported are {kinds}")
    return read_tables(str(path), tables, config)


def has_readable_suffix(path: Path) -> bool:
    """Return whether `path` ends in the suffix of a supported file type."""
    return path.suffix.lower() in (*TABLES, *SUFFIXES)


def read_image_folder(folder: Path, images: Sequence[Path], config: DataConfig) -> Frame:
    """Read images whose class is the folder they are in. Folders called test or validation are those splits."""
    labels = [path.parent.name for path in images]
    pixels, read = read_images(((path, str(path)) for path in images), str(folder), config)
    kept = [place for place, whole in enumerate(read) if whole]
    columns: dict[str, np.ndarray] = {"image": pixels}
    classes = {}
    if len(set(labels)) > 1:
        names = sorted(set(labels))
        for name in names:
            if not any(labels[place] == name for place in kept):
                raise SandlotError(f"the class {name!r} in {folder} has no readable image")
        columns["label"] = np.array([names.index(labels[place]) for place in kept])
        classes["label"] = names
    subset = np.array([subset_from_path(images[place].relative_to(folder)) for place in kept])
    files = [(str(images[place]), 1) for place in kept]
    unreadable = [str(path) for path, whole in zip(images, read, strict=True) if not whole]
    return Frame(str(folder), columns, files, classes, subset if (subset >= 0).any() else None, unreadable)


def read_tables(name: str, files: Sequence[Path], config: DataConfig) -> Frame:
    """Read the rows of all `files`, which must have the same columns."""
    frames = []
    for file in files:
        suffix = file.suffix.lower()
        if suffix == ".parquet":
            frames.append(read_parquet(file, config))
        elif suffix in READERS:
            frames.append(_read_rows(file, READERS[suffix]))
        else:
            raise SandlotError(f"{file} is not a supported file type; supported are {', '.join(TABLES)}")
    return concat_frames(name, frames, [subset_from_path(Path(file.name)) for file in files])


def _read_rows(file: Path, reader: Callable[[Path, Iterable[str]], Rows]) -> Frame:
    try:
        with open(file, encoding="utf-8", newline="") as lines:
            rows = reader(file, lines)
    except (OSError, UnicodeDecodeError) as error:
        raise SandlotError(f"{file} can't be read: {error}") from error
    if not rows:
        raise SandlotError(f"{file} has no rows")
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: np.array([row.get(name) for row in rows], object) for name in names}
    frame = Frame(str(file), columns, [(str(file), len(rows))])
    whole = {name: column for name, column in columns.items() if looks_numeric(column) and _complete(column)}
    return Frame(frame.name, {**columns, **{name: frame.numbers(name) for name in whole}}, frame.files)


def _complete(column: np.ndarray) -> bool:
    """Return whether all cells are numbers. In a column where some are not, the error is raised where it is used."""
    try:
        column.astype(float)
    except (TypeError, ValueError):
        return False
    return all(cell is not None for cell in column)


def _csv_rows(file: Path, lines: Iterable[str]) -> Rows:
    reader = csv.reader(lines, delimiter="\t" if file.suffix.lower() == ".tsv" else ",")
    names = next(reader, None)
    if not names or len(set(names)) < len(names):
        raise SandlotError(f"{file} must start with a header line of distinct column names")
    rows = []
    for number, cells in enumerate(filter(None, reader), 1):
        if len(cells) != len(names):
            raise SandlotError(f"{file}, row {number}: found {len(cells)} cells, expected {len(names)}")
        rows.append({name: cell.strip() or None for name, cell in zip(names, cells, strict=True)})
    return rows


def _json_rows(file: Path, lines: Iterable[str]) -> Rows:
    rows = []
    for number, line in enumerate(filter(str.strip, lines), 1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise SandlotError(f"{file}, row {number}: invalid JSON ({error})") from error
        if not isinstance(row, dict):
            raise SandlotError(f'{file}, row {number}: not a JSON object such as {{"text": "…"}}')
        rows.append(row)
    return rows


def _whole_text(_: Path, lines: Iterable[str]) -> Rows:
    text = "".join(lines)
    return [{"text": text}] if text else []


READERS: dict[str, Callable[[Path, Iterable[str]], Rows]] = {
    ".csv": _csv_rows,
    ".tsv": _csv_rows,
    ".jsonl": _json_rows,
    ".ndjson": _json_rows,
    ".txt": _whole_text,
}
TABLES = (*READERS, ".parquet")
