"""Memory that is freed and taken again at every gradient step."""

import ctypes
import platform
from functools import cache

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""glibc's names (malloc.h) for when it returns freed memory, and from which size it asks the system for each block."""
KEPT = 1 << 28


@cache
def keep_freed_memory() -> bool:
    """Tell the C library to keep up to 256 MiB of freed memory for the next step; return whether it could be told.

    By default glibc returns blocks of more than a megabyte at once, and a gradient step on a CPU then spends a
    fifth of its time on the faults of pages that it had a moment before. Other C libraries are left alone.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    trims, maps = library.mallopt(TRIM_THRESHOLD, KEPT), library.mallopt(MMAP_THRESHOLD, KEPT)
    return bool(trims and maps)
