"""What is known of a run at W&B, in `wandb.json`: where it is, what has arrived, and what brings the rest."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandlot.tracking.common.files import write_json

from .layout import WANDB_STATE
from .schema import check_wandb

Session = dict[str, Any]
"""A time that W&B was open: its `folder`, whether it is `online`, the lines of metrics `first` to `end` (None if it was
killed), and whether it has `arrived` at W&B."""


def read_state(folder: Path) -> dict[str, Any]:
    """Return what is known; nothing but the mode if W&B has never been open."""
    path = folder / WANDB_STATE
    return check_wandb(path) if path.exists() else {"mode": "disabled"}


def write_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Write what is known."""
    write_json(folder / WANDB_STATE, dict(state))


def unsynced(folder: Path, state: Mapping[str, Any]) -> list[Session]:
    """Return the sessions that have not arrived at W&B, by themselves or by `wandb sync`, oldest first."""
    return [
        session
        for session in state.get("sessions", [])
        if not session["arrived"] and not any((folder / session["folder"]).glob("*.wandb.synced"))
    ]


def sync_command(folder: Path, state: Mapping[str, Any]) -> str | None:
    """Return the command that brings to W&B what has not arrived; None if all has."""
    sessions = unsynced(folder, state)
    if not sessions:
        return None
    places = [os.path.normpath(folder / session["folder"]) for session in sessions]
    option = ["--include-online"] if any(session["online"] for session in sessions) else []
    return shlex.join(["wandb", "sync", *option, *places])


def where_it_is(folder: Path, state: Mapping[str, Any]) -> str:
    """Return in words where the W&B run is, whether it is whole, and what to do if it isn't."""
    mode, error, command = state["mode"], state.get("error"), sync_command(folder, state)
    if command is None:
        return f"failed ({error}); the record in the folder is whole" if error else state.get("url") or mode
    if mode == "online":
        why = error or "the upload was cut off"
        return f"not all of it arrived ({why}); {state.get('url')}; bring it with: {command}"
    reason = f" ({error})" if error else ""
    return f"offline{reason}; upload with: {command}"
