"""Worker processes for what would hold up the training: W&B, plots, videos."""

import contextlib
import os
import subprocess
from pathlib import Path

from sandlot.tracking.common.files import writing

LOWEST_PRIORITY = 19
"""Niceness of worker processes."""


def start_worker(command: list[str], log: Path) -> subprocess.Popen[str]:
    """Start a worker process that reads lines from its standard input and ends at its end.

    It has a session of its own: Ctrl-C reaches only the training, which then ends its worker processes in order.
    """
    paths = [str(Path(__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    with writing(log), open(log, "ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            text=True,
            start_new_session=True,
            env=environment,
        )
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, process.pid, LOWEST_PRIORITY)
    return process


def send_to_worker(process: subprocess.Popen[str], line: str) -> None:
    """Send `line` to a worker process; one that has died is ignored."""
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError, ValueError):
        process.stdin.write(line)
        process.stdin.flush()


def stop_worker(process: subprocess.Popen[str], farewell: str, seconds: float) -> None:
    """Wait until a worker process has finished, for at most `seconds`."""
    assert process.stdin is not None
    send_to_worker(process, farewell)
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
