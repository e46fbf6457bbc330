"""What would not fit into the computer's memory, told before it is asked for."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from .errors import SandlotError

LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Files in which Linux says how much a container may have."""
REFUSED = re.compile(r"allocate|overflow|out of memory|too large|Maximum allowed dimension|too big", re.IGNORECASE)


@cache
def total_memory() -> int:
    """Return the bytes of memory that there are, for us at least."""
    sizes = [2**63]
    with suppress(OSError, ValueError, AttributeError):
        sizes.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for limit in LIMITS:
        with suppress(OSError, ValueError):
            sizes.append(int(Path(limit).read_text()))
    return min(size for size in sizes if size > 0)


def require_memory(size: float, what: str, lower: str) -> None:
    """Raise `SandlotError` if `what` needs more than the whole memory for its `size` in bytes."""
    if size > total_memory():
        raise SandlotError(
            f"{what} would take {readable(size)} of memory, of {readable(total_memory())}; lower {lower}"
        )


@contextmanager
def allocating(what: str, lower: str) -> Iterator[None]:
    """Say which options to lower if memory for `what` is refused in the context."""
    try:
        yield
    except (MemoryError, RuntimeError, ValueError, OverflowError) as error:
        if isinstance(error, RuntimeError | ValueError) and not REFUSED.search(str(error)):
            raise
        found = re.search(r"allocate (\d+) bytes", str(error))
        size = f" ({readable(int(found[1]))} at once)" if found else ""
        raise SandlotError(f"{what} needs more memory than there is{size}; lower {lower}") from error


def readable(size: float) -> str:
    """Return a number of bytes as people read it."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if size < 1000:
            return f"{size:,.3g} {unit}"
        size /= 1000
    return f"{size:,.0f} PB"
