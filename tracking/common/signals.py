"""Stop a training at its next checkpoint on Ctrl-C, SIGTERM and SIGHUP."""

import signal
import threading
from types import FrameType
from typing import Any


class Stopped(KeyboardInterrupt):
    """Training was stopped by the signal `number`, after a checkpoint."""

    def __init__(self, number: int):
        self.number = number


class StopSignals:
    """Record Ctrl-C, SIGTERM and SIGHUP during the context in place of exiting. A second one exits as usual.

    Only a recorded training in the main thread is `wanted` to do so.
    """

    NUMBERS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))

    def __init__(self, wanted: bool):
        self.received: int | None = None
        self._wanted = wanted and threading.current_thread() is threading.main_thread()
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "StopSignals":
        if self._wanted:
            heard = [number for number in self.NUMBERS if not _is_ignored_hangup(number)]
            self._previous = {number: signal.signal(number, self._receive) for number in heard}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _receive(self, number: int, _: FrameType | None) -> None:
        self.received = number
        signal.signal(number, self._previous[number])


def _is_ignored_hangup(number: int) -> bool:
    """Tell whether `number` is a SIGHUP that `nohup` has the process ignore."""
    return number == getattr(signal, "SIGHUP", None) and signal.getsignal(number) is signal.SIG_IGN
