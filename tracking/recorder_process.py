"""The recorder as the training's process sees it."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .wandb_connection import END_SECONDS
from .wandb_state import read_state, write_state
from .worker import send_to_worker, start_worker, stop_worker

SECONDS_OF_SILENCE, SECONDS_TO_KILL = 1.5, 60.0
"""When a wait for the recorder is told, and when it is ended, beyond what it allows W&B: it has the lowest priority."""


def start_recorder(folder: Path, order: Mapping[str, Any], log: Path) -> subprocess.Popen[str]:
    """Start the recorder of the run in `folder`; `order` is explained in `recorder.follow`."""
    # P: the current folder has nothing of the recorder's
    return start_worker([sys.executable, "-Pm", "sandlot.tracking.recorder", str(folder), json.dumps(order)], log)


def end_recorder(recorder: subprocess.Popen[str], folder: Path, exit_code: int) -> None:
    """Let the recorder finish, and say so if it takes long. What `wandb.json` says is true however it ends."""
    send_to_worker(recorder, f"finish {exit_code}\n")
    with contextlib.suppress(subprocess.TimeoutExpired):
        recorder.wait(SECONDS_OF_SILENCE)
    online = recorder.poll() is None and read_state(folder)["mode"] == "online"
    if online:
        print(f"sandlot: waiting for W&B, {END_SECONDS:g} s at most …", file=sys.stderr)
    if not stop_worker(recorder, "", END_SECONDS if online else END_SECONDS + SECONDS_TO_KILL):
        write_state(folder, {**read_state(folder), "error": "W&B did not end in time"})
