"""Read a run's metrics, which are lines of JSON."""

import errno
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from sandlot.tracking.common.files import read_file, replace_file, writing

from .layout import METRICS

RETURN, RETURN_LOW, RETURN_HIGH = "train/return", "train/return_min", "train/return_max"
TRAIN, VALIDATION, TEST = "train/", "evaluation/", "test/"
"""Prefixes of metrics on the splits of a data set."""
ENV_STEP, STEP = "env_step", "step"
"""Step counters: env steps of agents, gradient steps of tasks."""
TIMESTAMP = "timestamp"
"""When a row was logged, in seconds since 1970, which is for W&B alone."""


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of a run's metrics. Lines that are damaged, such as a last one cut off, are left out."""
    path = folder / METRICS
    rows = parse_rows(read_file(path).splitlines()) if path.exists() else ()
    return [{name: value for name, value in row.items() if name != TIMESTAMP} for row in rows]


def parse_rows(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the rows that `lines` hold, without those that are damaged."""
    for line in lines:
        row = _row(line)
        if row is not None:
            yield row


def step_of(row: Mapping[str, Any]) -> int:
    """Return the env step or step at which `row` was logged."""
    return row[ENV_STEP] if ENV_STEP in row else row[STEP]


def drop_rows_after(folder: Path, step: int) -> None:
    """Cut off the rows that were logged after `step`, and what is damaged at the end; all else stays as it is."""
    path = folder / METRICS
    if not path.exists():
        return
    lines = read_file(path).splitlines(keepends=True)
    rows = [_row(line) for line in lines]
    kept = [line for line, row in zip(lines, rows, strict=True) if row is None or step_of(row) <= step]
    while kept and _row(kept[-1]) is None:
        kept.pop()
    if len(kept) < len(lines):
        replace_file(path, b"".join(kept))


class MetricsFile:
    """The metrics of a run while they are written: each row is appended by one write, and is whole or told."""

    def __init__(self, path: Path):
        self.path = path
        self._cut = False
        with writing(path):
            cut_off = path.exists() and read_file(path)[-1:] not in (b"", b"\n")
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            if cut_off:  # by a crash: the next row gets a line of its own
                os.write(self._descriptor, b"\n")
            self.size = os.fstat(self._descriptor).st_size

    def append(self, row: Mapping[str, Any]) -> None:
        """Append a row."""
        line = b"\n" * self._cut + (json.dumps(row) + "\n").encode()
        with writing(self.path):
            self._cut = os.write(self._descriptor, line) < len(line)
            if self._cut:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def sync(self) -> None:
        """Wait until the disk has all rows."""
        with writing(self.path):
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def _row(line: bytes) -> dict[str, Any] | None:
    """Return the row in `line`, without values of other kinds than metrics and media; None if it is damaged."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict) or not _is_step(row.get(ENV_STEP, row.get(STEP))):
        return None
    return {name: value for name, value in row.items() if KINDS.get(name, _is_metric)(value)}


def _is_step(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_metric(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_media(value: Any) -> bool:
    """Tell whether `value` names files inside the run's folder."""
    return isinstance(value, dict) and all(
        isinstance(file, str) and not PurePath(file).is_absolute() and ".." not in PurePath(file).parts
        for file in value.values()
    )


def _is_captions(value: Any) -> bool:
    """Return whether `value` names texts."""
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


KINDS = {"media": _is_media, "captions": _is_captions}
"""What the values of a row are that are not numbers."""
