"""A terminal that may go away: what is told is lost then, but nothing that is under way."""

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console


class LastingStream:
    """A text stream whose refusals (a closed pipe, a full disk, a terminal that is gone) are no errors."""

    def __init__(self, stream: TextIO):
        self.stream = stream

    def write(self, text: str) -> int:
        """Write `text`, if that is possible."""
        try:
            return self.stream.write(text)
        except (OSError, ValueError):
            discard_output(self.stream)
            return len(text)

    def flush(self) -> None:
        """Flush the stream, if that is possible."""
        try:
            self.stream.flush()
        except (OSError, ValueError):
            discard_output(self.stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def lasting_console() -> "Console":
    """Return a console on the standard output for what must not end with it."""
    from rich.console import Console

    return Console(file=LastingStream(sys.stdout) if sys.stdout is not None else None)  # pyright: ignore[reportArgumentType]


def discard_output(stream: TextIO | None) -> None:
    """Send what `stream` holds and will get to nowhere, so that Python's last flush does not fail either."""
    if stream is None:
        return
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def open_closed_streams() -> None:
    """Open those of the three standard streams that were closed, lest files of ours get their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
