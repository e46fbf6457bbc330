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
    `command` must start Python with -P: nothing is imported from the current folder, which may be a stranger's.
    """
    with writing(log), open(log, "ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            text=True,
            start_new_session=True,
            env=_environment(),
        )
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, process.pid, LOWEST_PRIORITY)
    return process


def _environment() -> dict[str, str]:
    """Return the environment without the current folder among Python's."""
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    elsewhere = [path for path in paths if path and Path(path).resolve() != Path.cwd()]
    rest = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**rest, "PYTHONPATH": os.pathsep.join(elsewhere)} if elsewhere else rest


def send_to_worker(process: subprocess.Popen[str], line: str) -> None:
    """Send `line` to a worker process; one that has died is ignored."""
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError, ValueError):
        process.stdin.write(line)
        process.stdin.flush()


def stop_worker(process: subprocess.Popen[str], farewell: str, seconds: float) -> bool:
    """Wait until a worker process has finished, for at most `seconds`; return whether it has by itself."""
    assert process.stdin is not None
    send_to_worker(process, farewell)
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    return True
