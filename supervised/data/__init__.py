"""Data sets: read, shared out and given in batches."""

import os
from pathlib import Path

from sandlot.tracking import SandlotError, nearest

from .builtin import BUILTIN, read_builtin
from .config import DataConfig
from .frame import Frame
from .loader import Batch, Columns, Loader, Part, rows_of
from .split import PARTS, Split, ordered_split, stratified_split, without_copies

__all__ = [
    "BUILTIN",
    "PARTS",
    "Batch",
    "Columns",
    "DataConfig",
    "Frame",
    "Loader",
    "Part",
    "Split",
    "load_frame",
    "ordered_split",
    "rows_of",
    "stratified_split",
    "without_copies",
]


def load_frame(name: str | os.PathLike[str], config: DataConfig | None = None) -> Frame:
    """Return the data set called `name`: one of scikit-learn's, a file or folder, or one of the Hugging Face hub."""
    from .files import names_a_file, read_path
    from .hub import read_hub

    config = config or DataConfig()
    if str(name) in BUILTIN:
        return read_builtin(str(name))
    if Path(name).exists():
        return read_path(Path(name), config)
    if names_a_file(Path(name)):
        raise SandlotError(f"there is no file {str(name)!r}")
    if "/" not in str(name) and (near := nearest(str(name), BUILTIN)):
        raise SandlotError(f"there is no data set {str(name)!r}; did you mean {near}?")
    return read_hub(str(name), config)
