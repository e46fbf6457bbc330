"""Tables, texts and images in files."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sandlot.tracking import SandlotError

from .config import DataConfig
from .frame import Frame, looks_numeric
from .images import SUFFIXES, read_pictures
from .split import TEST_PART, VALIDATION_PART

PART_WORDS = {"test": TEST_PART, "validation": VALIDATION_PART, "valid": VALIDATION_PART, "val": VALIDATION_PART}
Rows = list[dict[str, Any]]


def read_path(path: Path, config: DataConfig) -> Frame:
    """Return what lies in the file or folder `path`: a folder of images (one below for each class), or tables."""
    if path.is_file() and path.suffix.lower() in SUFFIXES:
        return Frame(str(path), {"image": read_pictures([(path, str(path))], str(path), config)[0]}, [(str(path), 1)])
    if path.is_file():
        return read_tables(str(path), [path], config)
    images = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
    if images:
        return read_image_folder(path, images, config)
    tables = sorted(file for file in path.rglob("*") if file.suffix.lower() in TABLES)
    if not tables:
        kinds = ", ".join((*TABLES, *SUFFIXES))
        raise SandlotError(f"{path} holds nothing that can be read, which would be {kinds}")
    return read_tables(str(path), tables, config)


def names_a_file(path: Path) -> bool:
    """Tell whether `path` ends as the files do that can be read."""
    return path.suffix.lower() in (*TABLES, *SUFFIXES)


def read_image_folder(folder: Path, images: Sequence[Path], config: DataConfig) -> Frame:
    """Return images, whose class is the folder they lie in. Folders called test or validation are parts."""
    labels = [path.parent.name for path in images]
    pixels, read = read_pictures(((path, str(path)) for path in images), str(folder), config)
    kept = [place for place, whole in enumerate(read) if whole]
    columns: dict[str, np.ndarray] = {"image": pixels}
    classes = {}
    if len(set(labels)) > 1:
        names = sorted(set(labels))
        for name in names:
            if not any(labels[place] == name for place in kept):
                raise SandlotError(f"the class {name!r} in {folder} has no image that can be read")
        columns["label"] = np.array([names.index(labels[place]) for place in kept])
        classes["label"] = names
    given = np.array([part_of(images[place].relative_to(folder)) for place in kept])
    files = [(str(images[place]), 1) for place in kept]
    left_out = [str(path) for path, whole in zip(images, read, strict=True) if not whole]
    return Frame(str(folder), columns, files, classes, given if (given >= 0).any() else None, left_out)


def read_tables(name: str, files: Sequence[Path], config: DataConfig) -> Frame:
    """Return the rows of all `files`, which must have the same columns."""
    frames = []
    for file in files:
        suffix = file.suffix.lower()
        if suffix == ".parquet":
            from .hub import read_parquet

            frames.append(read_parquet(file, config))
        elif suffix in READERS:
            frames.append(_read_rows(file, READERS[suffix]))
        else:
            raise SandlotError(f"{file} is no kind of file that can be read, which are {', '.join(TABLES)}")
    return joined(name, frames, [part_of(Path(file.name)) for file in files])


def joined(name: str, frames: Sequence[Frame], parts: Sequence[int]) -> Frame:
    """Return the rows of several frames as one frame; `parts` says which part of the data each is."""
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
                f"the images of {name} are not all alike; make them so with --image-size and --image-mode"
            )
        columns[key] = np.concatenate([frame.columns[key] for frame in frames])
    given = np.concatenate([np.full(len(frame), part) for frame, part in zip(frames, parts, strict=True)])
    files = [file for frame in frames for file in frame.files]
    left_out = [place for frame in frames for place in frame.left_out]
    return Frame(name, columns, files, first.classes, given if (given >= 0).any() else None, left_out)


def part_of(path: Path) -> int:
    """Return the part of the data that a file's path names: of the test, of the validation, or -1 for neither."""
    for piece in path.parts:
        for word in re.split(r"[^a-z]+", piece.lower()):
            if word in PART_WORDS:
                return PART_WORDS[word]
    return -1


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
    """Tell whether all cells are numbers. A column with a few that are not is judged where it is used."""
    try:
        column.astype(float)
    except (TypeError, ValueError):
        return False
    return all(cell is not None for cell in column)


def _csv_rows(file: Path, lines: Iterable[str]) -> Rows:
    reader = csv.reader(lines, delimiter="\t" if file.suffix.lower() == ".tsv" else ",")
    names = next(reader, None)
    if not names or len(set(names)) < len(names):
        raise SandlotError(f"{file} must begin with a line of column names, each different from the others")
    rows = []
    for number, cells in enumerate(filter(None, reader), 1):
        if len(cells) != len(names):
            raise SandlotError(f"{file}, row {number}: there are {len(cells)} cells for {len(names)} columns")
        rows.append({name: cell.strip() or None for name, cell in zip(names, cells, strict=True)})
    return rows


def _json_rows(file: Path, lines: Iterable[str]) -> Rows:
    rows = []
    for number, line in enumerate(filter(str.strip, lines), 1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise SandlotError(f"{file}, row {number}: this is no JSON ({error})") from error
        if not isinstance(row, dict):
            raise SandlotError(f'{file}, row {number}: this is no JSON object, like {{"text": "…"}}')
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
