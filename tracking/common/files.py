"""Write files atomically."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import SandlotError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn `OSError`s in writing `path` (disk full, read-only) into `SandlotError`."""
    try:
        yield
    except OSError as error:
        raise SandlotError(f"can't write {path}: {error.strerror or error}") from error


def write_synced(path: Path, data: bytes) -> None:
    """Write `data` to `path` and sync it to disk."""
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Sync the directory entry of `folder` to disk, where the system allows it."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def to_json(value: Any) -> bytes:
    """Return `value` as indented JSON."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` as JSON, atomically."""
    replace_file(path, to_json(value))


def replace_file(path: Path, data: bytes) -> None:
    """Write `data` to `path`, so that a reader, or a crash, finds the old file or the new one."""
    temporary = path.with_name(f".{path.name}.tmp")
    with writing(path):
        try:
            write_synced(temporary, data)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def remove_folder(path: Path) -> None:
    """Remove the folder `path`, which is there whole or not at all, even if this is cut off."""
    if not path.is_dir():
        return
    doomed = path.with_name(f".{path.name}.tmp")
    shutil.rmtree(doomed, ignore_errors=True)
    os.rename(path, doomed)
    shutil.rmtree(doomed)


def read_file(path: Path) -> bytes:
    """Read the file `path`. Pipes and devices, which may never end, are refused."""
    try:
        if path.exists() and not path.is_file():
            raise SandlotError(f"{path} can't be read: it is not a file")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise SandlotError(f"{path} is missing") from error
    except OSError as error:
        raise SandlotError(f"{path} can't be read: {error.strerror or error}") from error


def read_json(path: Path) -> Any:
    """Read the JSON file `path`."""
    try:
        return json.loads(read_file(path))
    except ValueError as error:
        raise SandlotError(f"{path} can't be read: {error}") from error
    except RecursionError as error:
        raise SandlotError(f"{path} can't be read: it is nested too deeply") from error


def json_object(option: str, text: str) -> dict[str, Any]:
    """Parse the JSON object that the user gave as `text` for `option`."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SandlotError(f"{option} must be JSON, like '{{\"continuous\": true}}', not {text!r}") from error
    if not isinstance(value, dict):
        raise SandlotError(f"{option} must be a JSON object, like '{{\"continuous\": true}}', not {text!r}")
    return value
