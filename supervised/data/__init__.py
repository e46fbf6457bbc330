"""Data sets: reading, splitting and batching."""

import os
from pathlib import Path

from sandlot.tracking import SandlotError, nearest

from .builtin import BUILTIN, read_builtin
from .config import DataConfig
from .files import has_readable_suffix, read_path
from .frame import Frame
from .hub import read_hub
from .loader import Batch, Columns, Loader, Subset, rows_of
from .split import SUBSETS, DataSplit, drop_duplicates, ordered_split, stratified_split

__all__ = [
    "BUILTIN",
    "SUBSETS",
    "Batch",
    "Columns",
    "DataConfig",
    "DataSplit",
    "Frame",
    "Loader",
    "Subset",
    "drop_duplicates",
    "load_frame",
    "ordered_split",
    "rows_of",
    "stratified_split",
]


def load_frame(name: str | os.PathLike[str], config: DataConfig | None = None) -> Frame:
    """Load the data set called `name`: a scikit-learn data set, a file, a folder, or one from the Hugging Face hub."""
    config = config or DataConfig()
    if str(name) in BUILTIN:
        return read_builtin(str(name))
    if Path(name).exists():
        return read_path(Path(name), config)
    if has_readable_suffix(Path(name)):
        raise SandlotError(f"there is no file {str(name)!r}")
    if "/" not in str(name) and (near := nearest(str(name), BUILTIN)):
        raise SandlotError(f"there is no data set {str(name)!r}; did you mean {near}?")
    return read_hub(str(name), config)
