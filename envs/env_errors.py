"""Errors in environments, reported in one sentence with what reproduces them."""

import math
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import TimeoutError as WorkerTimeout
from typing import Any

import numpy as np

from sandlot.tracking import SandlotError
from sandlot.tracking.common.extensions import user_frames

from .tree import tree_leaves

PROCESS_DIED = "crashed: the process of a copy died"
NO_ANSWER = (
    "did not answer for a minute: a copy hangs, or is very slow to start. Try --num-envs 1, which runs it in this "
    "process"
)
TIMEOUTS = (TimeoutError, WorkerTimeout)
WORKER_ERRORS = (BrokenPipeError, ConnectionResetError, EOFError)
"""Raised by communicating with a process that has died."""


def env_error(name: str, what: str, copy: int | None, seed: int | None, steps: int) -> SandlotError:
    """Return an error saying that the environment `name` did `what`, `steps` steps after a reset with `seed`.

    The copy with index i is seeded with `seed + i`.
    """
    where = "" if copy is None else f" in copy {copy}"
    copy_seed = seed if seed is None or copy is None else seed + copy
    seeded = "" if copy_seed is None else f" with seed {copy_seed}"
    return SandlotError(f"{name} {what}{where}, at step {steps} after a reset{seeded}")


class CopyError(Exception):
    """An error of a copy of an environment, in words, which can be sent from its process."""


def describe_error(error: Exception, otherwise: str = "") -> str:
    """Return the type and message of `error` in one line, and the user's line of code that led to it.

    Where no line of the traceback is the user's, `otherwise` is named, or the line that raised.
    """
    if isinstance(error, CopyError):
        return str(error)
    message = next(iter(str(error).splitlines()), "")
    own = user_frames(error.__traceback__)
    at = own[-1] if own else traceback.extract_tb(error.__traceback__)[-1]
    where = f"{at.filename}:{at.lineno}" if own or not otherwise else otherwise
    return f"{type(error).__name__}{f': {message}' if message else ''} ({where})"


@contextmanager
def user_errors(name: str, otherwise: str = "") -> Iterator[None]:
    """Raise what goes wrong in the context as a `SandlotError` about the environment `name`, before its first step."""
    try:
        yield
    except SandlotError:
        raise
    except Exception as error:
        raise env_error(name, f"failed: {describe_error(error, otherwise)}", None, None, 0) from error


def broken_row(arrays: Any) -> int | None:
    """Return the first row of `arrays` with a NaN or infinite float; None if all are finite."""
    for array in (arrays,) if isinstance(arrays, np.ndarray) else tree_leaves(arrays):
        if array.dtype.kind != "f":
            continue
        # One dot product is enough almost always; only where it overflows are entries checked one by one.
        flat = array.ravel()
        if not math.isfinite(flat.dot(flat)):
            broken = ~np.isfinite(array).reshape(len(array), -1).all(1)
            if broken.any():
                return int(broken.argmax())
    return None
