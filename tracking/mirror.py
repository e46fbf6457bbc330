"""A W&B run that shows what a run's folder holds."""

import os
import secrets
import sys
import threading
from pathlib import Path
from typing import Any

from sandlot.tracking.common.files import read_json

from .layout import CONFIG, SUMMARY
from .metrics import ENV_STEP, RETURN, TIMESTAMP, VALIDATION
from .upload_log import upload_problem
from .wandb_artifacts import CheckpointUploader
from .wandb_config import wandb_config, wandb_tags
from .wandb_connection import (
    FINISH_SECONDS,
    INTERRUPTED,
    NotLoggedInError,
    check_connection,
    mode_from,
    said,
    settings,
)
from .wandb_media import to_wandb
from .wandb_state import Session, read_state, write_state

OUTCOMES = {0: ("finished", "INFO"), INTERRUPTED: ("was stopped by the user", "WARN")}
"""For exit codes, what an alert says and how loudly; others are failures."""


class Mirror:
    """A W&B run that shows what the folder's metrics hold. When W&B fails, it says so and the folder has the record.

    A line of the metrics file is a step of the W&B run. Online, W&B says how many it has, and gets the others,
    whatever happened before: a kill, a session offline. Offline, a session holds the lines since the last one
    that was closed in order. The charts' axis is what the rows count by, which may go back: a film is ready later
    than the step it shows.

    Args:
        folder: The run's.
        mode: Whether to go online.
        command: What the user typed.
        kept: Lines of metrics that the run goes on from.
        logged: Lines that there were before some were dropped.
        rewound: Whether it goes on from a step before the last, so that what W&B has of later ones is not of this run.
    """

    def __init__(
        self, folder: Path, mode: str, command: list[str], kept: int = 0, logged: int = 0, *, rewound: bool = False
    ):
        self.folder, self.command, self.kept, self.logged = folder, command, kept, logged
        self.record = read_json(folder / CONFIG)
        self.options: dict[str, Any] = self.record["wandb"]
        self.state: dict[str, Any] = read_state(folder)
        self.earlier: list[Session] = self.state.get("sessions", [])
        self.run: Any = None
        self.first, self.lines = 0, 0
        self.stamp: dict[str, float] = {}
        self.tables: dict[str, str] = {}  # sent last: W&B asks its server about each, and waits for the answer
        self.media_problem: str | None = None
        self.checkpoints = CheckpointUploader(folder, self.options.get("log_checkpoints", ""))
        self.state.pop("error", None)
        mode = mode_from(mode, os.environ)
        if mode != "disabled":
            self._open(mode, rewound)
        elif self.state["mode"] != "attached":
            self.state["mode"] = mode
        self._write_state()

    def log(self, row: dict[str, Any]) -> None:
        """Send a line of metrics, with the files it names under "media", unless W&B has it."""
        line, self.lines = self.lines, self.lines + 1
        if self.run is not None and line >= self.first:
            values = {key: value for key, value in row.items() if key not in ("media", "captions", TIMESTAMP)}
            self.stamp = {"_timestamp": row[TIMESTAMP]} if TIMESTAMP in row else {}
            media = dict(row.get("media", {}))
            self.tables |= {key: media.pop(key) for key in list(media) if media[key].endswith(".json")}
            self._send({**values, **self.stamp, **self._media(media, row.get("captions", {}))}, line)

    def upload_checkpoints(self) -> None:
        """Upload new checkpoints, if they are wanted."""
        if self.run is not None:
            try:
                self.checkpoints.upload_new(self.run)
            except Exception as error:
                self.media_problem = self.media_problem or f"a checkpoint was not taken: {said(error)}"

    def add_media(self, media: dict[str, str]) -> None:
        """Add files to the line that was sent last."""
        line = self.lines - 1
        if self.run is not None and media and line >= self.first:  # a row of its own would put the next one off
            self._send({**self.stamp, **self._media(media, {})}, line)

    def finish(self, exit_code: int) -> None:
        """Write the summary and close the W&B run. The state says whether all has arrived."""
        if self.run is not None:
            session = self.state["sessions"][-1]
            session["end"] = self.lines
            problem = self._close(exit_code)
            if session["online"]:
                session["arrived"] = problem is None
            if problem:
                self.state["error"] = problem
            if session["arrived"]:
                self._mark_synced(self.state["sessions"])
            self.run = None
        self._write_state()

    def _write_state(self) -> None:
        if self.state["mode"] != "attached":
            write_state(self.folder, self.state)

    def _open(self, mode: str, rewound: bool) -> None:
        try:
            os.environ.setdefault("WANDB_SILENT", "true")
            os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
            os.environ.pop("WANDB_SERVICE", None)  # a service of its own, whatever the training's process has open
            self.state["mode"] = "offline"
            import wandb
        except Exception as error:
            self.state["error"] = said(error)
            return
        if mode != "offline":
            try:
                check_connection(wandb)
                self._open_online(wandb, rewound)
                return
            except NotLoggedInError as error:
                if mode == "online":
                    self.state["error"] = said(error)
            except Exception as error:
                self.state["error"] = said(error)
        try:
            wandb.teardown()
        except Exception as error:
            self.state.setdefault("error", said(error))
        try:
            self._open_offline(wandb, rewound)
        except Exception as error:
            self.state["error"] = said(error)

    def _open_online(self, wandb: Any, rewound: bool) -> None:
        been_online = any(session["online"] for session in self.earlier)
        if rewound and been_online:
            self._rewind(wandb)
        else:
            resume = (None if self.earlier else os.environ.get("WANDB_RESUME")) or "allow"
            self._start(wandb, "online", resume=resume)
            if not been_online and not self.earlier:
                self.state["first_step"] = self.run.starting_step  # a run that somebody else began
            self.first = max(self.run.starting_step - self.state.get("first_step", 0), 0)
            if self.earlier and self.first > max(self.logged, self.kept):  # it has some twice, as after a `wandb sync`
                self.first = self.kept
                self.state["first_step"] = self.run.starting_step - self.kept
        self._save_earlier_media()
        self._add_session([], online=True)

    def _open_offline(self, wandb: Any, rewound: bool) -> None:
        if rewound and any(session["online"] for session in self.earlier):
            self._begin_anew()
        elif self.earlier and self.earlier[-1]["end"] is not None and self.earlier[-1]["end"] <= self.kept:
            self.first = self.earlier[-1]["end"]
        self._start(wandb, "offline")
        self._add_session(self.earlier if self.first else [], online=False)

    def _rewind(self, wandb: Any) -> None:
        """Cut the W&B run off where this one goes on; where the server can't, start one that names the old."""
        last = self.state.get("first_step", 0) + self.kept - 1
        try:
            self._start(wandb, "online", resume_from=f"{self.state['id']}?_step={last}")
            self.first = self.kept
        except Exception:
            wandb.teardown()
            self._begin_anew()
            self._start(wandb, "online", resume="allow")

    def _begin_anew(self) -> None:
        old = {"id": self.state.get("id"), "url": self.state.get("url"), "line": self.kept}
        self.state |= {"resumed_from": old, "id": secrets.token_hex(4), "first_step": 0}
        self.earlier = []

    def _start(self, wandb: Any, mode: str, **more: Any) -> None:
        sys.argv = list(self.command) or sys.argv
        new = not self.earlier or mode == "offline"
        if "resume_from" not in more:
            more["id"] = self.state.get("id") or os.environ.get("WANDB_RUN_ID") or self.options["id"]
        self.run = wandb.init(
            dir=os.environ.get("WANDB_DIR") or self.folder,
            project=self.state.get("project") or self._option("project") or "sandlot",
            entity=self.state.get("entity") or self._option("entity"),
            config={**wandb_config(self.record), **self._came_from()},
            mode=mode,
            settings=settings(wandb, self.command),
            **(self._shown() if new else {}),
            **more,
        )
        self._define_metrics()
        for name in ("id", "project", "entity", "url"):
            if (value := getattr(self.run, name)) or name == "url":
                self.state[name] = value
        self.state["mode"] = mode

    def _shown(self) -> dict[str, Any]:
        """Return what a user may change at W&B later, so that it is said once."""
        tags = os.environ.get("WANDB_TAGS", "").split(",") if not self.options.get("tags") else self.options["tags"]
        old = self.state.get("resumed_from")
        goes_on = f"Goes on from line {old['line']} of the run {old['id']} ({old['url']})" if old else None
        return {
            "name": self._option("name") or self.folder.name,
            "group": self._option("group", "RUN_GROUP") or self.options.get("default_group"),
            "job_type": self._option("job_type") or "train",
            "tags": list(dict.fromkeys([*filter(None, tags)] or wandb_tags(self.record))),
            "notes": "\n".join(filter(None, [self._option("notes"), goes_on])) or None,
        }

    def _came_from(self) -> dict[str, Any]:
        return {"resumed_from": self.state["resumed_from"]} if "resumed_from" in self.state else {}

    def _option(self, name: str, variable: str = "") -> str | None:
        return self.options.get(name) or os.environ.get(f"WANDB_{variable or name.upper()}")

    def _define_metrics(self) -> None:
        axis = self.record.get("axis", ENV_STEP)
        self.run.define_metric("*", step_metric=axis)
        for name in (RETURN, f"{VALIDATION}return"):
            self.run.define_metric(name, step_metric=axis, summary="max")

    def _add_session(self, earlier: list[Session], *, online: bool) -> None:
        place = Path(self.run.settings.sync_dir).absolute()
        root = self.folder.absolute()
        session = {
            "folder": str(place.relative_to(root) if place.is_relative_to(root) else place),
            "online": online,
            "first": self.first,
            "end": None,
            "arrived": False,
        }
        self.state |= {"folder": session["folder"], "sessions": [*earlier, session]}

    def _save_earlier_media(self) -> None:
        """Upload again the files of sessions of which nobody knows whether they have arrived."""
        for session in self.earlier:
            files = self.folder / session["folder"] / "files"
            if not session["arrived"]:
                for file in (path for path in (files / "media").rglob("*") if path.is_file()):
                    self.run.save(str(file.absolute()), base_path=str(files.absolute()), policy="now")

    def _mark_synced(self, sessions: list[Session]) -> None:
        """Leave the mark by which `wandb sync` knows what it need not upload again."""
        for session in [*self.earlier, *sessions]:
            session["arrived"] = True
            for file in (self.folder / session["folder"]).glob("*.wandb"):
                file.with_name(f"{file.name}.synced").touch()

    def _send(self, values: dict[str, Any], line: int) -> None:
        try:
            self.run.log(values, step=line + self.state.get("first_step", 0))
        except Exception as error:
            self.media_problem = self.media_problem or f"a row was not taken: {said(error)}"

    def _media(self, media: dict[str, str], captions: dict[str, str]) -> dict[str, Any]:
        found = {}
        for key, file in media.items():
            try:
                found[key] = to_wandb(self.folder / file, captions.get(key))
            except Exception as error:
                self.media_problem = self.media_problem or f"{file} was not taken: {said(error)}"
        return found

    def _close(self, exit_code: int) -> str | None:
        """Close the W&B run, and return what did not arrive and why."""
        log = Path(self.run.settings.sync_dir) / "logs" / "debug-internal.log"
        online = self.state["mode"] == "online"
        try:
            self._write_summary()
            sending = threading.Thread(target=self.add_media, args=(self.tables,), daemon=True)
            sending.start()
            sending.join(2.0)
            self.checkpoints.upload_last(self.run)
            self._alert(exit_code)
            self.run.finish(exit_code=exit_code)
        except TimeoutError:
            return (upload_problem(log) if online else None) or f"W&B took too long: {FINISH_SECONDS:g} s"
        except Exception as error:
            return said(error)
        return (upload_problem(log) if online else None) or self.media_problem

    def _write_summary(self) -> None:
        summary = self.folder / SUMMARY
        if summary.exists():
            kept = {key: value for key, value in read_json(summary).items() if key != "test"}  # rows say it
            self.run.summary.update(kept)

    def _alert(self, exit_code: int) -> None:
        if self.options.get("alerts"):
            what, level = OUTCOMES.get(exit_code, ("failed", "ERROR"))
            summary = read_json(self.folder / SUMMARY) if (self.folder / SUMMARY).exists() else {}
            text = f"{self.folder.name} {what}" + (f": {summary['error']}" if summary.get("error") else "")
            self.run.alert(title=f"{self.folder.name} {what}", text=text, level=level)
