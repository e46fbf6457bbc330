"""The recorder: a helper process that follows a run's metrics into Weights & Biases and a curve.

Training only appends lines to `metrics.jsonl`. This process reads them as they come, so importing wandb,
starting it, encoding its media, and a network that is slow or gone cost training nothing. It ends when
its standard input does, so it never outlives the run, however the run dies.
"""

import os
import sys
import threading
from pathlib import Path
from typing import Any

from .curve import draw_curves
from .files import read_json, write_json
from .layout import CONFIG, CURVE, METRICS, SUMMARY, WANDB_STATE
from .metrics import parse_rows, read_metrics

POLL_SECONDS = 0.2
START_SECONDS = 20


class Mirror:
    """A W&B run that shows what the folder's metrics hold. When W&B fails, it says so and does nothing."""

    def __init__(self, folder: Path, mode: str):
        self.folder = folder
        self.run: Any = None
        self.step = 0
        self.state: dict[str, Any] = {"mode": mode}
        if mode == "disabled":
            return
        try:
            self._start(mode)
        except Exception as error:
            self._fail(error)
            if self.state["mode"] == "online":
                try:
                    self._start("offline")
                except Exception as again:
                    self._fail(again)
        write_json(folder / WANDB_STATE, self.state)

    def _start(self, mode: str) -> None:
        os.environ["WANDB_SILENT"] = "true"
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb

        if mode == "auto":
            mode = os.environ.get("WANDB_MODE") or ("online" if wandb.login(prompt=False) else "offline")
        self.state["mode"] = mode
        record = read_json(self.folder / CONFIG)
        settings = wandb.Settings(console="off", silent=True, init_timeout=START_SECONDS, x_stats_pid=os.getppid())
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
        self.run.define_metric("*", step_metric="env_step")
        self.state |= {"url": self.run.url, "folder": os.path.relpath(Path(self.run.dir).parent, self.folder)}

    def log(self, row: dict[str, Any]) -> None:
        """Send a row of metrics, with the files it names under "media"."""
        if self.run is None:
            return
        try:
            import wandb

            values = {key: value for key, value in row.items() if key != "media"}
            for key, file in row.get("media", {}).items():
                path = str(self.folder / file)
                values[key] = wandb.Video(path, format="mp4") if file.endswith(".mp4") else wandb.Image(path)
            # W&B drops rows whose step goes back, and a film is ready later than the step it shows.
            self.step = max(self.step, row["env_step"])
            self.run.log(values, step=self.step)
        except Exception as error:
            self._fail(error)

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

    def _fail(self, error: Exception) -> None:
        self.run = None
        self.state["error"] = f"{type(error).__name__}: {error}".splitlines()[0]


def follow(folder: Path, mode: str, offset: int) -> None:
    """Mirror the metrics in `folder` from the byte `offset` on, until standard input says "finish STATUS" or ends."""
    ended = threading.Event()
    exit_code = 1

    def listen() -> None:
        nonlocal exit_code
        line = sys.stdin.readline()
        if line.startswith("finish"):
            exit_code = int(line.split()[1])
        ended.set()

    threading.Thread(target=listen, daemon=True).start()
    mirror = Mirror(folder, mode)
    while not ended.wait(POLL_SECONDS):
        offset = _send_rows(folder, mirror, offset)
    _send_rows(folder, mirror, offset)
    try:
        if draw_curves(folder / CURVE, {folder.name: read_metrics(folder)}):
            mirror.log({"env_step": mirror.step, "media": {"learning_curve": CURVE}})
    finally:
        mirror.finish(exit_code)


def _send_rows(folder: Path, mirror: Mirror, offset: int) -> int:
    """Send the whole lines after `offset` in the metrics file and return where they end."""
    path = folder / METRICS
    if not path.exists():
        return offset
    with open(path, "rb") as file:
        file.seek(offset)
        data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    for row in parse_rows(whole.splitlines()):
        mirror.log(row)
    return offset + len(whole)


if __name__ == "__main__":
    os.nice(5) if hasattr(os, "nice") else None
    follow(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
