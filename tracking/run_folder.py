"""What a new run begins with: a folder of its own, and the versions of what it runs on."""

import sys
from importlib import metadata
from pathlib import Path

from sandlot.tracking.common.errors import SandlotError

RECORDED_VERSIONS = ("torch", "numpy", "gymnasium", "stable-baselines3", "scikit-learn", "wandb")


def new_folder(root: Path, stem: str) -> Path:
    """Make a folder called `stem`, or so with a number, in `root`."""
    for suffix in ("", *(f"-{number}" for number in range(2, 1000))):
        folder = root / (stem + suffix)
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            continue
    raise SandlotError(f"there are a thousand runs called {stem} in {root}; choose another --runs-dir")


def versions() -> dict[str, str | None]:
    """Return the versions of Python and of what matters to results."""
    return {"python": sys.version.split()[0], **{name: _version(name) for name in ("sandlot", *RECORDED_VERSIONS)}}


def _version(name: str) -> str | None:
    """Return the version of an installed distribution; None if it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
