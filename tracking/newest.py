"""Which of the runs in a folder began last."""

import re
from datetime import datetime
from pathlib import Path

from sandlot.tracking.common.errors import SandlotError

from .checkpoint import checkpoint_steps
from .layout import CHECKPOINTS, CONFIG
from .schema import check_config

TIME_IN_NAME = re.compile(r"-(\d{8}-\d{6})(-\d+)?$")


def newest_run(root: Path) -> Path:
    """Return the folder of the run in `root` that began last, and has a checkpoint unless none has."""
    folders = [path.parent for path in root.glob(f"*/{CONFIG}") if path.is_file()]
    if not folders:
        raise SandlotError(f"there are no runs in {root} yet; start one with `sandlot train`")
    begun = [folder for folder in folders if checkpoint_steps(folder / CHECKPOINTS)]
    return max(begun or folders, key=_began)


def _began(folder: Path) -> tuple[float, str]:
    """Return when a run began, as its config says, or else its name, or else its file's time."""
    try:
        return float(check_config(folder / CONFIG)["created"]), folder.name
    except (SandlotError, KeyError):
        pass
    try:
        found = TIME_IN_NAME.search(folder.name)
        if found is not None:
            return datetime.strptime(found[1], "%Y%m%d-%H%M%S").timestamp(), folder.name
    except (ValueError, OverflowError):
        pass
    return (folder / CONFIG).stat().st_mtime, folder.name
