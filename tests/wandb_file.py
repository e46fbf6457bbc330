"""Reads what the W&B client wrote offline."""

import json
import struct
from pathlib import Path
from typing import Any

HEADER, BLOCK = 7, 32 * 1024


def read_records(run_folder: Path) -> list:
    """Return the records of the newest offline W&B run under a run's folder."""
    from wandb.proto import wandb_internal_pb2

    (file,) = sorted((run_folder / "wandb").glob("offline-run-*/run-*.wandb"))[-1:]
    data = file.read_bytes()
    records, partial, at = [], b"", HEADER
    while at + 7 <= len(data):
        left = BLOCK - at % BLOCK
        if left < 7:
            at += left
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + 7])
        partial += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(partial)
            records.append(record)
            partial = b""
    return records


def read_history(run_folder: Path) -> list[dict[str, Any]]:
    """Return the logged rows."""
    records = read_records(run_folder)
    return [_row(record.history.item) for record in records if record.WhichOneof("record_type") == "history"]


def _row(items: Any) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for item in items:
        first, *rest = item.nested_key or [item.key]
        value = json.loads(item.value_json)
        if rest:
            row.setdefault(first, {})[rest[0]] = value
        else:
            row[first] = value
    return row
