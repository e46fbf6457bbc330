"""Read a run's metrics, which are lines of JSON."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .layout import METRICS

RETURN, RETURN_LOW, RETURN_HIGH = "train/return", "train/return_min", "train/return_max"
TRAIN, VALIDATION, TEST = "train/", "evaluation/", "test/"
"""Prefixes of metrics on the splits of a data set."""
ENV_STEP, STEP = "env_step", "step"
"""Step counters: env steps of agents, gradient steps of tasks."""
TIMESTAMP = "timestamp"
"""When a row was logged, in seconds since 1970, which is for W&B alone."""


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of a run's metrics, without a last line that is incomplete."""
    path = folder / METRICS
    rows = list(parse_rows(path.read_bytes().splitlines())) if path.exists() else []
    return [{name: value for name, value in row.items() if name != TIMESTAMP} for row in rows]


def parse_rows(lines: list[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the rows of `lines`, up to the first that is incomplete."""
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            return


def step_of(row: Mapping[str, Any]) -> int:
    """Return the env step or step at which `row` was logged."""
    return row[ENV_STEP] if ENV_STEP in row else row[STEP]


def drop_rows_after(folder: Path, step: int) -> None:
    """Drop the rows that were logged after `step`."""
    path = folder / METRICS
    kept = [row for row in parse_rows(path.read_bytes().splitlines()) if step_of(row) <= step]
    path.write_text("".join(json.dumps(row) + "\n" for row in kept))
