"""Checkpoints: tensors as safetensors, the rest as JSON, with checksums. No pickle."""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sandlot.tracking.common.errors import DEBUG, SandlotError
from sandlot.tracking.common.files import (
    read_file,
    read_json,
    remove_folder,
    sync_folder,
    to_json,
    write_synced,
    writing,
)

from .layout import step_in_name
from .schema import check_state

TENSORS, STATE, CHECKSUMS = "tensors.safetensors", "state.json", "checksums.json"


class Checkpoint(NamedTuple):
    """Content of a checkpoint."""

    tensors: dict[str, np.ndarray]
    state: dict[str, Any]


def write_checkpoint(folder: Path, tensors: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
    """Write a checkpoint to `folder` atomically, even in a power failure."""
    from safetensors.numpy import save

    arrays = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    files = {TENSORS: save(arrays), STATE: to_json(state)}
    files[CHECKSUMS] = to_json({name: hashlib.sha256(data).hexdigest() for name, data in files.items()})
    temporary = folder.with_name(f".{folder.name}.tmp")
    with writing(folder):
        try:
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
            for name, data in files.items():
                write_synced(temporary / name, data)
            sync_folder(temporary)
            _swap(temporary, folder)
            sync_folder(folder.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def read_checkpoint(folder: Path) -> Checkpoint:
    """Return the checkpoint in `folder`, after checking that it is as it was written."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    old = _replaced(folder)
    if not folder.is_dir() and old.is_dir():
        folder = old
    if not folder.is_dir():
        raise SandlotError(f"{folder} is not a checkpoint: there is no such folder")
    checksums = read_json(folder / CHECKSUMS)
    data = {}
    for name in (TENSORS, STATE):
        try:
            data[name] = read_file(folder / name)
        except SandlotError as error:
            raise SandlotError(
                f"the checkpoint {folder} is damaged: {str(error).removeprefix(f'{folder}/')}"
            ) from error
        if not isinstance(checksums, dict) or hashlib.sha256(data[name]).hexdigest() != checksums.get(name):
            raise SandlotError(f"the checkpoint {folder} is damaged: {name} is not as it was written")
    state = check_state(folder / STATE)
    try:
        return Checkpoint(load(data[TENSORS]), state)
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError) as error:  # the latter: BF16, for one
        raise SandlotError(
            f"the checkpoint {folder} is damaged: {TENSORS} holds no tensors that can be read ({error})"
        ) from error


@contextmanager
def restoring(folder: Path) -> Iterator[None]:
    """Turn whatever a checkpoint makes of the code that restores it into a sentence; its checksums may be right."""
    try:
        yield
    except SandlotError:
        raise
    except Exception as error:
        if DEBUG in os.environ:
            raise
        said = (str(error).strip().splitlines() or [""])[0]
        raise SandlotError(
            f"the checkpoint {folder} can't be restored: {type(error).__name__}: {said} "
            f"(with {DEBUG}=1 in the environment, it shows where)"
        ) from error


def checkpoint_steps(folder: Path) -> list[int]:
    """Return the steps of the checkpoints in `folder`, lowest first. Other names in it are not looked at.

    One whose replacement was cut off counts: `read_checkpoint` finds the old one.
    """
    if not folder.is_dir():
        return []
    names = [path.name for path in folder.iterdir() if path.is_dir()]
    replaced = [name.removeprefix(".").removesuffix(".old") for name in names if name.endswith(".old")]
    return sorted({step for name in (*names, *replaced) if (step := step_in_name(name)) is not None})


def remove_checkpoint(folder: Path) -> None:
    """Remove the checkpoint in `folder`, if there is one."""
    with writing(folder):
        remove_folder(_replaced(folder))
        remove_folder(folder)


def _replaced(place: Path) -> Path:
    """Return where the older checkpoint of `place` lies while a new one is put there."""
    return place.with_name(f".{place.name}.old")


def _swap(new: Path, place: Path) -> None:
    """Put the folder `new` at `place`, where an older one may be; at each moment one of them can be read."""
    old = _replaced(place)
    if place.exists():
        if not (place / CHECKSUMS).is_file():
            raise SandlotError(f"{place} exists and is not a checkpoint; choose another name")
        shutil.rmtree(old, ignore_errors=True)
        os.rename(place, old)
    os.rename(new, place)
    shutil.rmtree(old, ignore_errors=True)
