"""The recorder: a worker process that mirrors a run's metrics to Weights & Biases and plots its curve.

Training only appends lines to `metrics.jsonl`. This process reads them as they come, so importing wandb,
starting it, encoding its media, and a network that is slow or gone cost training nothing. It ends when
its standard input does, so it never outlives the run, however the run dies.
"""

import importlib
import os
import sys
import threading
from pathlib import Path
from typing import Any

from sandlot.tracking.common.files import read_json, write_json

from .curve import draw_curves
from .layout import CONFIG, CURVE, METRICS, SUMMARY, WANDB_STATE
from .metrics import ENV_STEP, RETURN, parse_rows, read_metrics
from .tables import read_table

POLL_SECONDS = 0.2
START_SECONDS = 20


class Mirror:
    """Mirror a run's metrics to W&B. When W&B fails, the recorder reports it and training goes on.

    A line of the metrics file is a step of the W&B run, so a run that is resumed goes on at the right one,
    and W&B drops what it has already. The charts' axis is what the rows count by, which may go back: a film is
    ready later than the step it shows.
    """

    def __init__(self, folder: Path, mode: str, lines: int):
        self.folder, self.lines = folder, lines
        self.run: Any = None
        self.state: dict[str, Any] = {"mode": mode}
        if mode == "disabled":
            return
        try:
            self._start(mode)
        except Exception as error:
            self._fail(error)
            if self.state["mode"] == "online":
                self._start_offline()
        write_json(folder / WANDB_STATE, self.state)

    def log(self, row: dict[str, Any]) -> None:
        """Log a row of metrics, with the files under its key "media"."""
        values = {key: value for key, value in row.items() if key != "media"}
        self._send(values, row.get("media", {}), self.lines)
        self.lines += 1

    def add_media(self, media: dict[str, str]) -> None:
        """Add files to the last row."""
        self._send({}, media, max(self.lines - 1, 0))

    def finish(self, exit_code: int) -> None:
        """Write the summary and close the W&B run."""
        if self.run is not None:
            try:
                summary = self.folder / SUMMARY
                if summary.exists():
                    self.run.summary.update(read_json(summary))
                self.run.finish(exit_code=exit_code)
            except Exception as error:
                self._fail(error)
        if self.state["mode"] != "disabled":
            write_json(self.folder / WANDB_STATE, self.state)

    def _start(self, mode: str) -> None:
        os.environ["WANDB_SILENT"] = "true"
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb

        if mode == "auto":
            mode = os.environ.get("WANDB_MODE") or ("online" if wandb.login(prompt=False) else "offline")
        self.state["mode"] = mode
        record = read_json(self.folder / CONFIG)
        seconds = float(os.environ.get("WANDB_INIT_TIMEOUT", START_SECONDS))
        settings = wandb.Settings(console="off", silent=True, init_timeout=seconds, x_stats_pid=os.getppid())
        self.run = wandb.init(
            dir=self.folder,
            project=record["wandb"]["project"],
            id=record["wandb"]["id"],
            name=self.folder.name,
            group=record["wandb"]["group"],
            config=record,
            mode=mode,  # pyright: ignore[reportArgumentType]
            resume="allow" if mode == "online" else None,
            settings=settings,
        )
        self.run.define_metric("*", step_metric=record.get("axis", ENV_STEP))
        self.state |= {"url": self.run.url, "folder": os.path.relpath(Path(self.run.dir).parent, self.folder)}

    def _start_offline(self) -> None:
        try:
            import wandb

            wandb.teardown()
            self._start("offline")
        except Exception as error:
            self._fail(error)

    def _send(self, values: dict[str, Any], media: dict[str, str], step: int) -> None:
        if self.run is None:
            return
        try:
            import wandb

            for key, file in media.items():
                values[key] = self._media(wandb, self.folder / file)
            self.run.log(values, step=step)
        except Exception as error:
            self._fail(error)

    def _media(self, wandb: Any, path: Path) -> Any:
        match path.suffix:
            case ".mp4" | ".gif":
                return wandb.Video(str(path), format=path.suffix.removeprefix("."))
            case ".json":
                columns, rows = read_table(path)
                cells = [
                    [wandb.Image(str(path.parent / cell["image"])) if isinstance(cell, dict) else cell for cell in row]
                    for row in rows
                ]
                return wandb.Table(columns=columns, data=cells)
            case _:
                return wandb.Image(str(path))

    def _fail(self, error: Exception) -> None:
        self.run = None
        self.state["error"] = f"{type(error).__name__}: {error}".splitlines()[0]


def follow(folder: Path, mode: str, offset: int) -> None:
    """Mirror the metrics in `folder` from the byte `offset` on, until standard input has "finish STATUS" or ends."""
    ended = threading.Event()
    exit_code = 1

    def listen() -> None:
        nonlocal exit_code
        line = sys.stdin.readline()
        if line.startswith("finish"):
            exit_code = int(line.split()[1])
        ended.set()

    threading.Thread(target=listen, daemon=True).start()
    metrics = folder / METRICS
    importlib.import_module("matplotlib.figure")  # now, while there is time; the curve is drawn at the end
    mirror = Mirror(folder, mode, lines=metrics.read_bytes()[:offset].count(b"\n"))
    while not ended.wait(POLL_SECONDS):
        offset = send_rows(metrics, mirror, offset)
    send_rows(metrics, mirror, offset)
    try:
        monitor = read_json(folder / CONFIG).get("monitor", RETURN)
        if draw_curves(folder / CURVE, {folder.name: read_metrics(folder)}, {folder.name: monitor}):
            mirror.add_media({"learning_curve": CURVE})
    finally:
        mirror.finish(exit_code)


def send_rows(metrics: Path, mirror: Mirror, offset: int) -> int:
    """Log the complete lines after `offset` in the metrics file and return their end."""
    with open(metrics, "rb") as file:
        file.seek(offset)
        data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    for row in parse_rows(whole.splitlines()):
        mirror.log(row)
    return offset + len(whole)


if __name__ == "__main__":
    follow(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
