"""The record of a run: a folder, and the W&B run that mirrors it."""

import json
import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from sandlot.tracking.common.errors import SandlotError
from sandlot.tracking.common.files import read_json, write_json, writing

from .attached import AttachedRun, is_wandb_run
from .checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from .layout import CHECKPOINTS, COMMAND, CONFIG, CURVE, EXPERIENCE, METRICS, SUMMARY, checkpoint_name
from .metrics import ENV_STEP, TIMESTAMP, drop_rows_after, read_metrics
from .recorder_process import end_recorder, start_recorder
from .run_folder import new_folder, versions
from .wandb_artifacts import PREFIX, download_run
from .wandb_connection import INTERRUPTED
from .wandb_options import WandbOptions
from .wandb_state import read_state, sync_command, where_it_is

EXIT_CODES = {"finished": 0, "interrupted": INTERRUPTED, "failed": 1}


class Run:
    """Own a run's folder and everything in it.

    Use as a context manager: whatever ends the block, what was logged is whole and the W&B run is closed.
    """

    def __init__(self, folder: Path):
        if not (folder / CONFIG).is_file():
            raise SandlotError(f"{folder} is not a run: it has no {CONFIG}")
        self.folder = folder
        self.config: dict[str, Any] = read_json(folder / CONFIG)
        self._recorder: subprocess.Popen[str] | None = None
        self._recorder_log = folder / "recorder.log"
        self._metrics: Any = None
        self._logged, self._rewound = 0, False
        self._attached: AttachedRun | None = None

    @classmethod
    def create(
        cls,
        root: Path,
        name: str,
        config: Mapping[str, Any],
        *,
        wandb: Any = "auto",
        project: str | None = None,
        wandb_options: WandbOptions | None = None,
    ) -> "Run":
        """Create the folder of a new run `name` in `root` and start recording.

        `wandb` is a mode (`WandbMode`), or a W&B run of yours, such as `wandb.run`, to log to.
        """
        stem = f"{re.sub(r'[^A-Za-z0-9._-]+', '-', name)}-{time.strftime('%Y%m%d-%H%M%S')}"
        with writing(root):
            folder = new_folder(root, stem)
        shown = (wandb_options or WandbOptions()).to_json() | ({"project": project} if project else {})
        default_group = re.sub(r"-s\d+$", "", name)
        own = wandb if is_wandb_run(wandb) else None
        mirrored = {
            "mode": "disabled" if own else wandb,
            "id": secrets.token_hex(4),
            "default_group": default_group,
            **shown,
        }
        record = {"format": 1, **config, "versions": versions(), "wandb": mirrored}
        try:
            write_json(folder / CONFIG, record)
            with writing(folder / COMMAND):
                (folder / COMMAND).write_text(shlex.join(sys.argv) + "\n")
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        run = cls(folder)
        if own:
            run._attached = AttachedRun(own, folder, record, run.axis)
        run.open()
        return run

    @classmethod
    def find(cls, root: Path, name: str) -> "Run":
        """Open the run in the folder `name`, or of that name in `root`; "latest" is the newest."""
        if name.startswith(PREFIX):
            return cls(download_run(name, root))
        if name == "latest":
            configs = sorted(root.glob(f"*/{CONFIG}"), key=lambda path: path.stat().st_mtime)
            if not configs:
                raise SandlotError(f"there are no runs in {root} yet; start one with `sandlot train`")
            return cls(configs[-1].parent)
        for folder in (Path(name), root / name):
            if folder.is_dir():
                return cls(folder)
        raise SandlotError(f"there is no run {name!r}, neither as a folder nor in {root}")

    def set_config(self, config: Mapping[str, Any]) -> None:
        """Replace the run's config, as training begins."""
        if config != self.config:
            self.config = dict(config)
            write_json(self.folder / CONFIG, self.config)

    def reopen(self, step: int, steps: int) -> None:
        """Continue recording from the checkpoint of `step`, dropping what came later, until `steps`."""
        self._logged = len(read_metrics(self.folder))
        self._rewound = any(folder.name > checkpoint_name(step) for folder in self.checkpoints())
        with writing(self.folder):
            drop_rows_after(self.folder, step)
            (self.folder / SUMMARY).unlink(missing_ok=True)
            for folder in self.checkpoints():
                if folder.name > checkpoint_name(step):
                    shutil.rmtree(folder)
        if steps != self.config.get("steps"):
            self.config["steps"] = steps
            write_json(self.folder / CONFIG, self.config)
        self.open()

    def add_media(self, media: Mapping[str, Path], step: int) -> None:
        """Log videos or images, by name, made after the run ended."""
        self.add_figures(
            {"media": {key: path.relative_to(self.folder).as_posix() for key, path in media.items()}}, step
        )

    def add_figures(self, figures: Mapping[str, Any], step: int) -> None:
        """Log metrics measured after the run ended."""
        self.open()
        self.log(figures, step)
        self._close(EXIT_CODES[self.summary.get("status", "interrupted")])

    def open(self) -> None:
        """Start recording at the end of the metrics file."""
        with writing(self.folder):
            self._metrics = open(self.folder / METRICS, "a", encoding="utf-8", buffering=1)
        order = {
            "mode": self.config["wandb"]["mode"],
            "command": sys.argv,
            "kept": len(read_metrics(self.folder)),
            "logged": self._logged,
            "rewound": self._rewound,
        }
        self._rewound = False
        self._recorder = start_recorder(self.folder, order, self._recorder_log)

    def log(self, metrics: Mapping[str, Any], step: int) -> None:
        """Append a row of metrics at `step`."""
        with writing(self.folder / METRICS):
            self._metrics.write(json.dumps({self.axis: step, **metrics, TIMESTAMP: time.time()}) + "\n")
        if self._attached is not None:
            self._attached.log({self.axis: step, **metrics})

    def log_media(self, key: str, path: Path, step: int, caption: str | None = None) -> None:
        """Log a video (.mp4), image (.png) or table (.json) that lies in the folder."""
        said = {"captions": {key: caption}} if caption else {}
        self.log({"media": {key: path.relative_to(self.folder).as_posix()}, **said}, step)

    def save(
        self,
        step: int,
        tensors: Mapping[str, np.ndarray],
        state: Mapping[str, Any],
        experience: Mapping[str, np.ndarray] | None = None,
    ) -> Path:
        """Write a checkpoint for `step` and return its folder.

        `experience` is what only going on needs, which may be large: it is kept for the newest checkpoint alone.
        """
        folder = self.checkpoint_folder(step)
        with writing(self.folder / METRICS):
            os.fsync(self._metrics.fileno())
        if experience:
            write_checkpoint(self._experience_folder(step), experience, {})
        write_checkpoint(folder, tensors, state)
        for older in (self.folder / EXPERIENCE).glob("step-*"):
            if older.name != checkpoint_name(step):
                shutil.rmtree(older)
        return folder

    def keep_only(self, steps: Collection[int]) -> None:
        """Remove the checkpoints of other steps than `steps`."""
        for folder in self.checkpoints():
            if int(folder.name.removeprefix("step-")) not in steps:
                shutil.rmtree(folder)

    def experience(self, step: int) -> dict[str, np.ndarray]:
        """Return the experience saved with the checkpoint of `step`; empty if there is none."""
        kept = sorted((self.folder / EXPERIENCE).glob("step-*"))
        if not kept:
            return {}
        if self._experience_folder(step) not in kept:
            newest = int(kept[-1].name.removeprefix("step-"))
            raise SandlotError(
                f"the replay memory of step {step} is gone: a run keeps that of its newest checkpoint, "
                f"of step {newest}, from which it can go on"
            )
        return read_checkpoint(self._experience_folder(step)).tensors

    def _experience_folder(self, step: int) -> Path:
        return self.folder / EXPERIENCE / checkpoint_name(step)

    def checkpoint_folder(self, step: int) -> Path:
        """Return the folder of the checkpoint of `step`."""
        return self.folder / CHECKPOINTS / checkpoint_name(step)

    def checkpoints(self) -> list[Path]:
        """Return the folders of the run's checkpoints, oldest first."""
        return sorted((self.folder / CHECKPOINTS).glob("step-*"))

    def checkpoint_steps(self) -> list[int]:
        """Return the steps of the run's checkpoints, lowest first."""
        return [int(path.name.removeprefix("step-")) for path in self.checkpoints()]

    def checkpoint(self, step: int | None = None) -> tuple[Path, Checkpoint]:
        """Read the checkpoint of `step`, or the newest."""
        folders = self.checkpoints()
        if not folders:
            raise SandlotError(f"{self.folder} has no checkpoint yet")
        folder = folders[-1] if step is None else self.checkpoint_folder(step)
        if folder not in folders:
            have = ", ".join(map(str, self.checkpoint_steps()))
            raise SandlotError(f"{self.folder} has no checkpoint of step {step}; it has {have}")
        try:
            return folder, read_checkpoint(folder)
        except SandlotError as error:
            if step is None and len(folders) > 1:
                older = self.checkpoint_steps()[-2]
                raise SandlotError(f"{error}; an older one can be used with --step {older}") from error
            raise

    @property
    def axis(self) -> str:
        """Step counter of the run: env steps or gradient steps."""
        return self.config.get("axis", ENV_STEP)

    @property
    def summary(self) -> dict[str, Any]:
        """Summary of the finished run; empty before its end."""
        path = self.folder / SUMMARY
        return read_json(path) if path.exists() else {}

    @property
    def wandb(self) -> dict[str, Any]:
        """State of the W&B run: mode, url, id, project, sessions, and the error if something failed."""
        return read_state(self.folder)

    @property
    def wandb_sync_command(self) -> str | None:
        """The command that uploads to W&B what has not arrived; None if all has."""
        return sync_command(self.folder, self.wandb)

    @property
    def where_wandb_is(self) -> str:
        """Where the W&B run is, or the command that uploads it."""
        return where_it_is(self.folder, self.wandb)

    @property
    def curve(self) -> Path:
        """Path of the learning curve, which is drawn at the run's end."""
        return self.folder / CURVE

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Write the summary, draw the curve and close the W&B run. `summary["status"]` says how it ended."""
        try:
            write_json(self.folder / SUMMARY, dict(summary))
        finally:
            self._close(EXIT_CODES[summary["status"]])

    def _close(self, exit_code: int) -> None:
        if self._metrics is not None:
            self._metrics.close()
            self._metrics = None
        if self._recorder is not None:
            end_recorder(self._recorder, self.folder, exit_code)
            self._recorder = None
            if self._attached is not None:
                self._attached.finish()
            if self._recorder_log.exists() and not self._recorder_log.stat().st_size:
                self._recorder_log.unlink()

    def __enter__(self) -> "Run":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._recorder is not None:
            self._close(EXIT_CODES["interrupted" if kind is KeyboardInterrupt else "failed"])
