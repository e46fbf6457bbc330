"""Read parquet files, and data sets from the Hugging Face hub, with `datasets`."""

import logging
import os
from pathlib import Path
from typing import Any

import numpy as np

from sandlot.tracking import SandlotError

from .config import DataConfig
from .frame import Frame, concat_frames
from .images import read_images
from .split import subset_from_path

EXTRA = "parquet files and hub names need the package `datasets`: pip install 'sandlot[data]'"


def read_parquet(file: Path, config: DataConfig) -> Frame:
    """Read a parquet file."""
    datasets = _datasets()
    try:
        table = datasets.Dataset.from_parquet(str(file), keep_in_memory=True)
    except Exception as error:
        raise SandlotError(f"{file} can't be read as parquet: {_reason(error)}") from error
    return frame_of(table, str(file), config)


def read_hub(name: str, config: DataConfig) -> Frame:
    """Load the data set called `name` from the Hugging Face hub, or from its cache."""
    datasets = _datasets()
    try:
        splits = datasets.load_dataset(name)
    except Exception as error:
        raise SandlotError(
            f"there is no data set {name!r}: it is no file, folder or scikit-learn data set, and loading it "
            f"from the Hugging Face hub failed ({_reason(error)})"
        ) from error
    frames = [frame_of(table, f"{name}/{split}", config) for split, table in splits.items()]
    return concat_frames(name, frames, [subset_from_path(Path(split)) for split in splits])


def frame_of(table: Any, name: str, config: DataConfig) -> Frame:
    """Convert a table of the `datasets` package; columns that are not numbers, texts or images are skipped."""
    datasets = _datasets()
    if not len(table):
        raise SandlotError(f"{name} has no rows")
    columns: dict[str, np.ndarray] = {}
    classes: dict[str, list[str]] = {}
    read = [True] * len(table)
    for key, feature in table.features.items():
        if isinstance(feature, datasets.Image):
            cells = table.cast_column(key, datasets.Image(decode=False))[key]
            sources = ((cell["bytes"] or Path(cell["path"]), f"{name}, row {row + 1}, column {key!r}")
                       for row, cell in enumerate(cells))  # fmt: skip
            columns[key], read = read_images(sources, name, config)
        elif isinstance(feature, datasets.ClassLabel):
            columns[key] = np.array([-1 if cell is None else cell for cell in table[key]])
            classes[key] = list(feature.names)
        elif isinstance(feature, datasets.Value):
            cells = np.array(table[key], object)
            numeric = feature.dtype.startswith(("int", "uint", "float", "bool")) and None not in table[key]
            columns[key] = cells.astype(float) if numeric else cells
    kept = np.array(read)
    columns = {key: column if len(column) == kept.sum() else column[kept] for key, column in columns.items()}
    if not columns:
        raise SandlotError(f"{name} has no column of numbers, texts or images")
    unreadable = [f"{name}, row {row + 1}" for row in np.flatnonzero(~kept)]
    return Frame(name, columns, [(name, int(kept.sum()))], classes, unreadable=unreadable)


def _datasets() -> Any:
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    try:
        import datasets
    except ImportError as error:
        raise SandlotError(EXTRA) from error
    # Offline, it would log each of its tries; our error gives the reason of the last one.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    return datasets


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
