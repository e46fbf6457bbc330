"""Tables as JSON files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sandlot.tracking.common.files import read_json, write_json, writing


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write a table to the JSON file `path`. A cell `{"image": file}` refers to an image beside it."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {"columns": list(columns), "rows": [list(row) for row in rows]})


def read_table(path: Path) -> tuple[list[str], list[list[Any]]]:
    """Return the columns and rows of the table in `path`."""
    table = read_json(path)
    return table["columns"], table["rows"]
