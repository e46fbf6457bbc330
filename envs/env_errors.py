"""What an environment may do wrong, said in a sentence that tells how to see it again."""

import math
import traceback
from typing import Any

import numpy as np

from sandlot.tracking import SandlotError

from .tree import tree_leaves

GONE = "ended: the process of a copy is gone"
LOST = (BrokenPipeError, ConnectionResetError, EOFError)
"""What is raised by asking a process that is no more."""


def fault(name: str, what: str, copy: int | None, seed: int | None, steps: int) -> SandlotError:
    """Return the error that the environment `name` did `what`, `steps` steps after a reset with `seed`.

    Of several copies the first is seeded with `seed`, the next with 1 more, and so on.
    """
    where = "" if copy is None else f" in copy {copy}"
    own = seed if seed is None or copy is None else seed + copy
    seeded_rng = "" if own is None else f" with seed {own}"
    return SandlotError(f"{name} {what}{where}, at step {steps} after a reset{seeded_rng}")


def told(error: Exception) -> str:
    """Return what `error` is, in one line, and the line of code that raised it."""
    said = next(iter(str(error).splitlines()), "")
    at = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}{f': {said}' if said else ''} ({at.filename}:{at.lineno})"


def broken_row(arrays: Any) -> int | None:
    """Return the first row in which floats of `arrays` are NaN or infinite; None if all are finite."""
    for array in (arrays,) if isinstance(arrays, np.ndarray) else tree_leaves(arrays):
        if array.dtype.kind != "f":
            continue
        # One cheap sum says "fine" almost always; what overflows it is looked at closely.
        flat = array.ravel()
        if not math.isfinite(flat.dot(flat)):
            broken = ~np.isfinite(array).reshape(len(array), -1).all(1)
            if broken.any():
                return int(broken.argmax())
    return None
