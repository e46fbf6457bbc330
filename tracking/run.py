"""The record of a run: a folder, and the W&B run that mirrors it."""

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

from sandlot.tracking.common.errors import SandlotError, nearest
from sandlot.tracking.common.files import read_json, write_json, writing

from .attached import AttachedRun, is_wandb_run
from .checkpoint import STATE, Checkpoint, checkpoint_steps, read_checkpoint, remove_checkpoint, write_checkpoint
from .layout import (
    CHECKPOINTS,
    COMMAND,
    CONFIG,
    CURVE,
    EXPERIENCE,
    LOCK,
    METRICS,
    SUMMARY,
    checkpoint_name,
    refuse_links,
)
from .lock import Lock
from .metrics import ENV_STEP, TIMESTAMP, MetricsFile, drop_rows_after, read_metrics
from .newest import newest_run
from .notebook_image import Picture
from .recorder_process import end_recorder, start_recorder
from .run_folder import new_folder, versions
from .schema import check_config, check_summary
from .wandb_artifacts import PREFIX, download_run
from .wandb_connection import INTERRUPTED
from .wandb_options import WandbOptions
from .wandb_state import read_state, sync_command, where_it_is

EXIT_CODES = {"finished": 0, "interrupted": INTERRUPTED, "failed": 1}
HAS_EXPERIENCE = "has_experience"
"""The key in a checkpoint's state that says whether a replay buffer belongs to it."""


class Run:
    """Own a run's folder and everything in it.

    Use as a context manager: whatever ends the block, what was logged is whole and the W&B run is closed.
    """

    def __init__(self, folder: str | Path):
        folder = Path(folder)
        if not (folder / CONFIG).is_file():
            raise SandlotError(f"{folder} is not a run: it has no {CONFIG}")
        refuse_links(folder)
        self.folder = folder
        self.config: dict[str, Any] = check_config(folder / CONFIG)
        self._lock = Lock(folder / LOCK)
        self._recorder: subprocess.Popen[str] | None = None
        self._recorder_log = folder / "recorder.log"
        self._metrics: MetricsFile | None = None
        self._logged, self._rewound = 0, False
        self._attached: AttachedRun | None = None

    @classmethod
    def create(
        cls,
        root: str | Path,
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
        root = Path(root)
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
        record = {"format": 1, "created": time.time(), **config, "versions": versions(), "wandb": mirrored}
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
    def find(cls, root: str | Path, name: str) -> "Run":
        """Open the run in the folder `name`, or of that name in `root`; "latest" is the newest."""
        root = Path(root)
        if name.startswith(PREFIX):
            return cls(download_run(name, root))
        if name == "latest":
            return cls(newest_run(root))
        for folder in (Path(name), root / name):
            if folder.is_dir():
                return cls(folder)
        names = ["latest", *(path.parent.name for path in root.glob(f"*/{CONFIG}"))]
        near = nearest(name, names)
        raise SandlotError(
            f"there is no run {name!r}, neither as a folder nor in {root}; "
            + (f"did you mean {near}?" if near else "`sandlot list` shows those that there are")
        )

    def set_config(self, config: Mapping[str, Any]) -> None:
        """Replace the run's config, as training begins."""
        if config != self.config:
            self.config = dict(config)
            write_json(self.folder / CONFIG, self.config)

    def reopen(self, step: int, steps: int) -> None:
        """Continue recording from the checkpoint of `step`, dropping what came later, until `steps`."""
        self.acquire()
        self._logged = len(read_metrics(self.folder))
        self._rewound = any(later > step for later in self.checkpoint_steps())
        with writing(self.folder):
            drop_rows_after(self.folder, step)
            (self.folder / SUMMARY).unlink(missing_ok=True)
            for name in (CHECKPOINTS, EXPERIENCE):
                for later in checkpoint_steps(self.folder / name):
                    if later > step:
                        remove_checkpoint(self.folder / name / checkpoint_name(later))
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
        if self._lock.held or self._lock.acquire():
            self.open()
            self.log(figures, step)
            self._close(EXIT_CODES[self.summary.get("status", "interrupted")])
            return
        metrics = MetricsFile(self.folder / METRICS)  # it trains: its recorder, which follows the file, mirrors the row
        metrics.append({self.axis: step, **figures})
        metrics.close()

    def acquire(self) -> None:
        """Become the one writer of the run. Raises `SandlotError` if another process is."""
        if not self._lock.acquire():
            raise SandlotError(f"{self.folder} is being written by {self._lock.holder()}; wait until that has ended")

    def open(self) -> None:
        """Start recording at the end of the metrics file."""
        self.acquire()
        self._metrics = MetricsFile(self.folder / METRICS)
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
        assert self._metrics is not None, "the run is not open"
        self._metrics.append({self.axis: step, **metrics, TIMESTAMP: time.time()})
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
        assert self._metrics is not None, "the run is not open"
        self._lock.check_place()
        self._metrics.sync()
        if experience:
            write_checkpoint(self._experience_folder(step), experience, {})
            state = {**state, HAS_EXPERIENCE: True}
        write_checkpoint(folder, tensors, state)
        for older in checkpoint_steps(self.folder / EXPERIENCE):
            if older != step:
                remove_checkpoint(self._experience_folder(older))
        return folder

    def keep_only(self, steps: Collection[int]) -> None:
        """Remove the checkpoints of other steps than `steps`."""
        for step in self.checkpoint_steps():
            if step not in steps:
                remove_checkpoint(self.checkpoint_folder(step))

    def experience(self, step: int) -> dict[str, np.ndarray]:
        """Return the experience saved with the checkpoint of `step`; empty if there is none."""
        if step in (kept := checkpoint_steps(self.folder / EXPERIENCE)):
            return read_checkpoint(self._experience_folder(step)).tensors
        if not read_json(self.checkpoint_folder(step) / STATE).get(HAS_EXPERIENCE):
            return {}  # what lies there is of a later checkpoint, or of one whose writing was cut off
        newest = [older for older in self.checkpoint_steps() if older in kept]
        further = (
            f": a run keeps that of its newest checkpoint, of step {newest[-1]}, from which it can go on"
            if newest
            else ""
        )
        raise SandlotError(f"the replay memory of step {step} is gone{further}")

    def _experience_folder(self, step: int) -> Path:
        return self.folder / EXPERIENCE / checkpoint_name(step)

    def checkpoint_folder(self, step: int) -> Path:
        """Return the folder of the checkpoint of `step`."""
        return self.folder / CHECKPOINTS / checkpoint_name(step)

    def checkpoints(self) -> list[Path]:
        """Return the folders of the run's checkpoints, oldest first."""
        return [self.checkpoint_folder(step) for step in self.checkpoint_steps()]

    def checkpoint_steps(self) -> list[int]:
        """Return the steps of the run's checkpoints, lowest first."""
        return checkpoint_steps(self.folder / CHECKPOINTS)

    def checkpoint(self, step: int | None = None) -> tuple[Path, Checkpoint]:
        """Read the checkpoint of `step`, or the newest."""
        steps = self.checkpoint_steps()
        if not steps:
            raise SandlotError(f"{self.folder} has no checkpoint yet")
        if step is not None and step not in steps:
            have = ", ".join(map(str, steps))
            raise SandlotError(f"{self.folder} has no checkpoint of step {step}; it has {have}")
        folder = self.checkpoint_folder(steps[-1] if step is None else step)
        try:
            return folder, read_checkpoint(folder)
        except SandlotError as error:
            if step is None and len(steps) > 1:
                raise SandlotError(f"{error}; an older one can be used with --step {steps[-2]}") from error
            raise

    @property
    def axis(self) -> str:
        """Step counter of the run: env steps or gradient steps."""
        return self.config.get("axis", ENV_STEP)

    @property
    def summary(self) -> dict[str, Any]:
        """Summary of the finished run; empty before its end."""
        path = self.folder / SUMMARY
        return check_summary(path) if path.exists() else {}

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

    def plot(self) -> Picture | None:
        """Draw the learning curve as it stands and return the picture; None if no episode has ended yet."""
        from .curve import draw_curves

        name, monitor = self.folder.name, self.config.get("monitor")
        drawn = draw_curves(self.curve, {name: read_metrics(self.folder)}, {name: monitor} if monitor else None)
        return Picture(self.curve) if drawn else None

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Write the summary, draw the curve and close the W&B run. `summary["status"]` says how it ended."""
        try:
            self._lock.check_place()
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
        self._lock.release()

    def __enter__(self) -> "Run":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close(EXIT_CODES["interrupted" if kind is KeyboardInterrupt else "failed"])
