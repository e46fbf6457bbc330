"""The metrics of a run: a line of JSON for each time they were logged."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .layout import METRICS

RETURN, RETURN_LOW, RETURN_HIGH = "episode/return", "episode/return_min", "episode/return_max"
TRAIN, VALIDATION, TEST = "train/", "validation/", "test/"
"""What the names of measures on the parts of a data set begin with."""
ENV_STEP, STEP = "env_step", "step"
"""What rows are counted by: the env steps of agents, the gradient steps of what learns from data."""


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of a run's metrics. A last line that was cut off in writing is left out."""
    path = folder / METRICS
    return list(parse_rows(path.read_bytes().splitlines())) if path.exists() else []


def parse_rows(lines: list[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the rows that `lines` hold, up to the first that is not whole."""
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            return


def step_of(row: Mapping[str, Any]) -> int:
    """Return the env step or step at which `row` was logged."""
    return row[ENV_STEP] if ENV_STEP in row else row[STEP]


def drop_rows_after(folder: Path, step: int) -> None:
    """Cut off the rows that were logged after `step`."""
    path = folder / METRICS
    kept = [row for row in read_metrics(folder) if step_of(row) <= step]
    path.write_text("".join(json.dumps(row) + "\n" for row in kept))
