"""Helper processes, which do beside the training what would hold it up."""

import contextlib
import os
import subprocess
from pathlib import Path

from sandlot.tracking.common.files import writing

LOWEST_PRIORITY = 19
"""Helpers get the time that the training leaves."""


def start_worker(command: list[str], log: Path) -> subprocess.Popen[str]:
    """Start a helper process that reads lines from its standard input and ends when that does.

    It has a session of its own: Ctrl-C reaches only the training, which then ends its helpers in order.
    """
    paths = [str(Path(__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    with writing(log), open(log, "ab") as output:
        helper = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            text=True,
            start_new_session=True,
            env=environment,
        )
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, helper.pid, LOWEST_PRIORITY)
    return helper


def send_to_worker(helper: subprocess.Popen[str], line: str) -> None:
    """Send `line` to a helper process. One that has died is not told."""
    assert helper.stdin is not None
    with contextlib.suppress(BrokenPipeError, ValueError):
        helper.stdin.write(line)
        helper.stdin.flush()


def stop_worker(helper: subprocess.Popen[str], farewell: str, seconds: float) -> None:
    """Let a helper process end its work, for `seconds` at most."""
    assert helper.stdin is not None
    send_to_worker(helper, farewell)
    with contextlib.suppress(BrokenPipeError):
        helper.stdin.close()
    try:
        helper.wait(seconds)
    except subprocess.TimeoutExpired:
        helper.kill()
        helper.wait()
