"""One writer of a run at a time, by a lock that the system takes back when its holder dies."""

import contextlib
import os
import shlex
import sys
import weakref
from pathlib import Path

from sandlot.tracking.common.errors import SandlotError
from sandlot.tracking.common.files import writing

try:
    import fcntl
except ImportError:  # Windows: two writers are on their own
    fcntl = None


class Lock:
    """The right to write, which one process has; the file `path` says which."""

    def __init__(self, path: Path):
        self.path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether we have it."""
        return self._descriptor is not None

    def acquire(self) -> bool:
        """Take the lock, and tell whether that was possible."""
        if self.held:
            return True
        with writing(self.path):
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        try:
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except OSError:  # a file system without locks
            pass
        self._descriptor = descriptor
        _HELD.add(self)
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"process {os.getpid()} ({shlex.join(sys.argv)[:200]})".encode())
        return True

    def holder(self) -> str:
        """Return who has it, in words."""
        with contextlib.suppress(OSError):
            return self.path.read_text(errors="replace") or "another process"
        return "another process"

    def is_in_place(self) -> bool:
        """Tell whether the file that is locked still lies at its path."""
        try:
            return self._descriptor is not None and os.path.samestat(os.fstat(self._descriptor), self.path.stat())
        except OSError:
            return False

    def check_place(self) -> None:
        """Raise `SandlotError` if the folder of the lock that we hold was deleted or moved."""
        if self.held and not self.is_in_place():
            raise SandlotError(f"the folder {self.path.parent} was deleted or moved while it was written")

    def release(self) -> None:
        """Give the lock back."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            with contextlib.suppress(OSError):
                os.close(descriptor)

    __del__ = release


_HELD: "weakref.WeakSet[Lock]" = weakref.WeakSet()


def _release_all() -> None:
    for lock in list(_HELD):
        lock.release()


if hasattr(os, "register_at_fork"):  # a lock is held as long as any process has the file open
    os.register_at_fork(after_in_child=_release_all)
