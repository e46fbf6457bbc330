"""The recorder: a worker process that follows a run's metrics into Weights & Biases and a curve.

Training only appends lines to `metrics.jsonl`. This process reads them as they come, so importing wandb,
starting it, encoding its media, and a network that is slow or gone cost training nothing. It ends when
its standard input does, so it never outlives the run, however the run dies.
"""

import importlib
import json
import sys
import threading
from pathlib import Path
from typing import Any

from sandlot.tracking.common.files import read_json

from .curve import draw_curves
from .layout import CONFIG, CURVE, METRICS
from .metrics import RETURN, parse_rows, read_metrics
from .mirror import Mirror

POLL_SECONDS = 0.2


def follow(folder: Path, order: dict[str, Any]) -> None:
    """Mirror the metrics in `folder`, until standard input says "finish STATUS" or ends.

    `order` has the W&B `mode`, what the user typed (`command`), the lines of metrics that are `kept` of those that
    were `logged`, and whether the run was `rewound`.
    """
    ended = threading.Event()
    exit_code = 1

    def listen() -> None:
        nonlocal exit_code
        line = sys.stdin.readline()
        if line.startswith("finish"):
            exit_code = int(line.split()[1])
        ended.set()

    threading.Thread(target=listen, daemon=True).start()
    importlib.import_module("matplotlib.figure")  # now, while there is time; the curve is drawn at the end
    mirror = Mirror(folder, order["mode"], order["command"], order["kept"], order["logged"], rewound=order["rewound"])
    metrics, offset = folder / METRICS, 0
    while not ended.wait(POLL_SECONDS):
        offset = send_rows(metrics, mirror, offset)
        mirror.upload_checkpoints()
    send_rows(metrics, mirror, offset)
    try:
        monitor = read_json(folder / CONFIG).get("monitor", RETURN)
        if draw_curves(folder / CURVE, {folder.name: read_metrics(folder)}, {folder.name: monitor}):
            mirror.add_media({"learning_curve": CURVE})
    finally:
        mirror.finish(exit_code)


def send_rows(metrics: Path, mirror: Mirror, offset: int) -> int:
    """Send the whole lines after `offset` in the metrics file and return where they end."""
    with open(metrics, "rb") as file:
        file.seek(offset)
        data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    for row in parse_rows(whole.splitlines()):
        mirror.log(row)
    return offset + len(whole)


if __name__ == "__main__":
    follow(Path(sys.argv[1]), json.loads(sys.argv[2]))
