"""What can happen to the files of a run: by accident, or by a stranger who has put the checksums right."""

import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

Damage = Callable[[Path, random.Random], None]
WRONG = [None, True, -1, 0, 1e308, float("nan"), 10**400, "", "x", "../../x", [], [1, "a"], {}, {"a": [None]}]
"""Values of other types and sizes than those expected."""


def _bytes(change: Callable[[bytes, random.Random], bytes]) -> Damage:
    return lambda path, rng: path.write_bytes(change(path.read_bytes(), rng)) and None


def _flip(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(max(len(data), 1))
    return data[:place] + bytes([data[place] ^ (1 << rng.randrange(8))]) + data[place + 1 :] if data else b"x"


def _drop_line(data: bytes, rng: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join(lines[: (place := rng.randrange(max(len(lines), 1)))] + lines[place + 1 :])


def _replace_by_folder(path: Path, _: random.Random) -> None:
    path.unlink()
    path.mkdir()


def _replace_by_pipe(path: Path, _: random.Random) -> None:
    path.unlink()
    os.mkfifo(path)


def _replace_by_link(path: Path, _: random.Random) -> None:
    path.rename(elsewhere := path.parent.parent.parent / f"elsewhere-{path.name}")
    path.symlink_to(elsewhere)


DAMAGES: dict[str, Damage] = {
    "gone": lambda path, _: path.unlink(),
    "empty": _bytes(lambda data, _: b""),
    "halved": _bytes(lambda data, _: data[: len(data) // 2]),
    "last byte cut": _bytes(lambda data, _: data[:-1]),
    "first byte cut": _bytes(lambda data, _: data[1:]),
    "bit flipped": _bytes(_flip),
    "another bit flipped": _bytes(_flip),
    "zeros": _bytes(lambda data, _: bytes(len(data))),
    "noise": _bytes(lambda data, rng: rng.randbytes(len(data))),
    "doubled": _bytes(lambda data, _: data + data),
    "reversed": _bytes(lambda data, _: data[::-1]),
    "line lost": _bytes(_drop_line),
    "with a byte order mark": _bytes(lambda data, _: b"\xef\xbb\xbf" + data),
    "in UTF-16": _bytes(lambda data, _: data.decode("latin-1").encode("utf-16")),
    "nested deeply": _bytes(lambda data, _: b"[" * 100_000),
    "a list": _bytes(lambda data, _: b"[1, 2]"),
    "null": _bytes(lambda data, _: b"null"),
    "an empty object": _bytes(lambda data, _: b"{}"),
    "a folder": _replace_by_folder,
    "a pipe": _replace_by_pipe,
    "a link": _replace_by_link,
}


def files_of(folder: Path) -> list[Path]:
    """Return all files of a run but those of W&B."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and "wandb" not in path.parts)


def leaves(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the places in a JSON value, containers included."""
    yield path
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield from leaves(value, (*path, key))


def changed(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a copy of a JSON value with another `value` at `path`; `...` leaves it out."""
    if not path:
        return value
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    if len(path) == 1 and value is ...:
        del copy[path[0]]
    else:
        copy[path[0]] = changed(copy[path[0]], path[1:], value)
    return copy


def wrong_json(path: Path, rng: random.Random) -> str:
    """Put a value of a wrong type at a place in the JSON file `path`, or leave one out; return what was done."""
    tree = json.loads(path.read_bytes())
    place, value = rng.choice(list(leaves(tree))[1:] or [()]), rng.choice([*WRONG, ...])
    path.write_text(json.dumps(changed(tree, place, value)))
    _recompute_checksums(path)
    return f"{'.'.join(map(str, place))} = {str(value)[:20]}"


def wrong_tensors(path: Path, rng: random.Random) -> str:
    """Change a tensor in the safetensors file `path`: its shape, type or name; return what was done."""
    tensors = load(path.read_bytes())
    if not tensors:
        return "nothing"
    name = rng.choice(sorted(tensors))
    array = tensors[name]
    changes: dict[str, Callable[[], Any]] = {
        "missing": lambda: tensors.pop(name),
        "one more row": lambda: tensors.update({name: np.concatenate([np.atleast_1d(array)] * 2)}),
        "one more axis": lambda: tensors.update({name: array[None]}),
        "one value": lambda: tensors.update({name: np.zeros((), array.dtype)}),
        "no values": lambda: tensors.update({name: np.zeros(0, array.dtype)}),
        "another type": lambda: tensors.update(
            {name: array.astype(np.uint8 if array.dtype.kind == "f" else np.float64)}
        ),
        "huge": lambda: tensors.update({name: np.full_like(array, 100 if array.dtype.itemsize == 1 else 10**9)}),
        "another name": lambda: tensors.update({name + "x": tensors.pop(name)}),
    }
    change = rng.choice(sorted(changes))
    changes[change]()
    data = save({key: np.ascontiguousarray(value) for key, value in tensors.items()})
    if rng.random() < 0.1 and b'"F32"' in data:  # a type that NumPy doesn't have, of another size
        change, data = "BF16", data.replace(b'"F32"', b'"BF16"', 1).replace(b" ", b"", 1)
    path.write_bytes(data)
    _recompute_checksums(path)
    return f"{name}: {change}"


def _recompute_checksums(path: Path) -> None:
    checksums = path.parent / "checksums.json"
    if checksums.is_file() and path != checksums:
        known = json.loads(checksums.read_bytes())
        checksums.write_text(json.dumps(known | {path.name: hashlib.sha256(path.read_bytes()).hexdigest()}))


def restore(folder: Path, copy: Path) -> Path:
    """Put the run in `folder` anew into `copy`."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    return copy
