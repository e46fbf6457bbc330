"""Die at the n-th operation on files: from then on nothing is written any more, as after a SIGKILL."""

import builtins
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

OPERATIONS = ("rename", "replace", "unlink", "rmdir", "mkdir", "open", "write", "fsync", "ftruncate")


class Killed(BaseException):
    """The process has died."""


class Killer:
    """Count operations on files, and die at the one of the number `at`."""

    def __init__(self, at: int | None):
        self.at, self.count = at, 0

    def step(self) -> bool:
        """Count an operation; raise `Killed` if we are dead, and tell whether we die in the middle of this one."""
        self.count += 1
        if self.at is not None and self.count > self.at:
            raise Killed
        return self.count == self.at


@contextmanager
def killed_at(at: int | None) -> Iterator[Killer]:
    """Let operations on files fail from the one of the number `at` on; what is synced just then is half there."""
    killer = Killer(at)

    def patched(name: str, real: Any) -> Any:
        def operation(*arguments: Any, **options: Any) -> Any:
            if name == "open" and not arguments[1] & (os.O_WRONLY | os.O_RDWR):
                return real(*arguments, **options)
            if killer.step():
                if name == "fsync" and (size := os.fstat(arguments[0]).st_size) and os.path.isfile(arguments[0]):
                    os.truncate(arguments[0], size // 2)
                elif name == "write":
                    real(arguments[0], arguments[1][: len(arguments[1]) // 2])
                raise Killed
            return real(*arguments, **options)

        return operation

    def opened(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if not set(mode).isdisjoint("wax+") and killer.step():
            raise Killed
        return real_open(file, mode, *arguments, **options)

    real_open = builtins.open
    with pytest.MonkeyPatch.context() as patch:
        for name in OPERATIONS:
            patch.setattr(os, name, patched(name, getattr(os, name)))
        patch.setattr(builtins, "open", opened)
        yield killer
