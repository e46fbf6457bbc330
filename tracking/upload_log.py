"""What wandb's own log says of an upload: the SDK tells nobody when some of it has failed."""

import json
import re
from pathlib import Path

UPLOADS = re.compile(
    r"filestream: fatal|runfiles:|runupserter: failed to upload|file transfer:|giving up after|while retrying"
)
STATUS = re.compile(r"(?:status:? |error |HTTP status |failed to upload: )(4\d\d|5\d\d)")


def upload_problem(log: Path) -> str | None:
    """Return in words what failed to be uploaded, as the log of wandb-core tells; None if nothing did."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return None
    found = [text for line in lines if (text := _failure(line))]
    for text in found:
        status = STATUS.search(text)
        if status and status[1] == "401":
            return "W&B refused the API key (401)"
        if status:
            return f"W&B answered {status[1]}"
    return f"the connection to W&B failed: {' '.join(found[0].split())[:160]}" if found else None


def _failure(line: str) -> str | None:
    try:
        entry = json.loads(line)
        text = f"{entry['msg']} {entry.get('error') or ''}"
        return text if entry["level"].startswith("ERROR") and UPLOADS.search(text) else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
