"""Spaces to and from JSON, so that an agent can be loaded without its environment."""

from typing import Any

import numpy as np
from gymnasium import Space, spaces

from sandlot.tracking import SandlotError


def space_to_json(space: Space) -> dict[str, Any]:
    """Return a description of `space` from which `space_from_json` makes it again."""
    match space:
        case spaces.Box():
            bounds = {"low": _bound(space.low), "high": _bound(space.high)}
            return {"kind": "box", **bounds, "shape": list(space.shape), "dtype": str(space.dtype)}
        case spaces.Discrete():
            return {"kind": "discrete", "n": int(space.n), "start": int(space.start), "dtype": str(space.dtype)}
        case spaces.MultiDiscrete():
            sizes = {"nvec": space.nvec.tolist(), "start": space.start.tolist()}
            return {"kind": "multi-discrete", **sizes, "dtype": str(space.dtype)}
        case spaces.MultiBinary():
            return {"kind": "multi-binary", "n": space.n if isinstance(space.n, int) else [int(n) for n in space.n]}
        case spaces.Dict():
            return {"kind": "dict", "parts": [[key, space_to_json(part)] for key, part in space.items()]}
        case spaces.Tuple():
            return {"kind": "tuple", "parts": [space_to_json(part) for part in space]}
        case _:
            raise SandlotError(f"{type(space).__name__} spaces are not supported: {space}")


def space_from_json(record: dict[str, Any]) -> Space:
    """Return the space that `space_to_json` described."""
    match record["kind"]:
        case "box":
            low, high = (np.array(record[side], dtype=record["dtype"]) for side in ("low", "high"))
            shape = tuple(record["shape"])
            full = (np.broadcast_to(bound, shape).copy() for bound in (low, high))
            return spaces.Box(*full, shape=shape, dtype=np.dtype(record["dtype"]).type)
        case "discrete":
            return spaces.Discrete(record["n"], start=record["start"], dtype=_dtype(record))
        case "multi-discrete":
            nvec, start = np.array(record["nvec"]), np.array(record["start"])
            return spaces.MultiDiscrete(nvec, dtype=_dtype(record), start=start)
        case "multi-binary":
            return spaces.MultiBinary(record["n"])
        case "dict":
            parts = record["parts"].items() if isinstance(record["parts"], dict) else record["parts"]
            return spaces.Dict({key: space_from_json(part) for key, part in parts})
        case "tuple":
            return spaces.Tuple([space_from_json(part) for part in record["parts"]])
        case kind:
            raise SandlotError(f"unknown kind of space in this record: {kind!r}")


def _dtype(record: dict[str, Any]) -> Any:
    """Return the dtype in a record; that of all spaces of whole numbers, in records without one."""
    return np.dtype(record.get("dtype", "int64")).type


def _bound(bound: np.ndarray) -> Any:
    """Return the bound as a list, or as one number if all entries are equal."""
    return bound.flat[0].item() if bound.size and (bound == bound.flat[0]).all() else bound.tolist()
