"""Checkpoints: tensors as safetensors, the rest as JSON, with checksums. No pickle."""

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sandlot.tracking.common.errors import SandlotError
from sandlot.tracking.common.files import read_json, sync_folder, to_json, write_synced, writing

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
    """Read the checkpoint in `folder` and verify its checksums."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if not folder.is_dir():
        raise SandlotError(f"{folder} is not a checkpoint: there is no such folder")
    checksums = read_json(folder / CHECKSUMS)
    data = {}
    for name in (TENSORS, STATE):
        try:
            data[name] = (folder / name).read_bytes()
        except OSError as error:
            raise SandlotError(
                f"the checkpoint {folder} is damaged: {name} can't be read ({error.strerror})"
            ) from error
        if not isinstance(checksums, dict) or hashlib.sha256(data[name]).hexdigest() != checksums.get(name):
            raise SandlotError(f"the checkpoint {folder} is damaged: {name} is not as it was written")
    try:
        return Checkpoint(load(data[TENSORS]), read_json(folder / STATE))
    except SafetensorError as error:
        raise SandlotError(f"the checkpoint {folder} is damaged: {error}") from error


def _swap(new: Path, place: Path) -> None:
    """Move the folder `new` to `place`, replacing an older one."""
    if not place.exists():
        os.rename(new, place)
        return
    if not (place / CHECKSUMS).is_file():
        raise SandlotError(f"{place} exists and is not a checkpoint; choose another name")
    old = place.with_name(f".{place.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    os.rename(place, old)
    os.rename(new, place)
    shutil.rmtree(old, ignore_errors=True)
