"""A W&B run of the user's own, which a training is logged to from its own process."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandlot.tracking.common.files import read_json

from .layout import SUMMARY
from .wandb_config import wandb_config
from .wandb_media import to_wandb
from .wandb_state import write_state


def is_wandb_run(thing: Any) -> bool:
    """Return whether `thing` is a W&B run, such as `wandb.run`."""
    return type(thing).__module__.startswith("wandb.") and hasattr(thing, "define_metric")


class AttachedRun:
    """Log a training to a W&B run that the user has opened, and closes. What it refuses is recorded in `wandb.json`."""

    def __init__(self, run: Any, folder: Path, record: Mapping[str, Any], axis: str):
        self.run, self.folder = run, folder
        self.state: dict[str, Any] = {"mode": "attached", "url": run.url, "id": run.id, "project": run.project}
        run.config.update(wandb_config(record), allow_val_change=True)
        self.axis, self._defined = axis, {axis}
        write_state(folder, self.state)

    def log(self, row: Mapping[str, Any]) -> None:
        """Log a row of metrics, with the files under its key "media"."""
        values = {key: value for key, value in row.items() if key not in ("media", "captions")}
        captions = row.get("captions", {})
        try:
            for key in {*values, *row.get("media", {})} - self._defined:
                self.run.define_metric(key, step_metric=self.axis)
                self._defined.add(key)
            media = {key: to_wandb(self.folder / file, captions.get(key)) for key, file in row.get("media", {}).items()}
            self.run.log({**values, **media})
        except Exception as error:
            self.state["error"] = f"{type(error).__name__}: {error}".splitlines()[0]

    def finish(self) -> None:
        """Add the summary. The run stays open."""
        try:
            if (self.folder / SUMMARY).exists():
                self.run.summary.update(read_json(self.folder / SUMMARY))
        except Exception as error:
            self.state["error"] = f"{type(error).__name__}: {error}".splitlines()[0]
        write_state(self.folder, self.state)
