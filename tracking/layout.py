"""Where things lie in a run's folder."""

from pathlib import Path

from sandlot.tracking.common.errors import SandlotError

CONFIG, SUMMARY, COMMAND, METRICS = "config.json", "summary.json", "command.txt", "metrics.jsonl"
WANDB_STATE, LOCK = "wandb.json", ".lock"
CHECKPOINTS, VIDEOS, IMAGES, TABLES, EXPERIENCE = "checkpoints", "videos", "images", "tables", "experience"
CURVE = f"{IMAGES}/learning-curve.png"


def checkpoint_name(step: int) -> str:
    """Return the name, without suffix, of what a run keeps of `step`."""
    return f"step-{step:09d}"


def step_in_name(name: str) -> int | None:
    """Return the step whose `checkpoint_name` is `name`; None for any other name, such as that of a user's copy."""
    digits = name.removeprefix("step-")
    step = int(digits) if digits.isdecimal() else None
    return step if step is not None and checkpoint_name(step) == name else None


def refuse_links(folder: Path) -> None:
    """Raise `SandlotError` if a name in a run's folder is a link: what is written there would land elsewhere.

    Those that W&B makes in its own folder are left alone.
    """
    own = (CHECKPOINTS, VIDEOS, IMAGES, TABLES, EXPERIENCE)
    for path in (*folder.iterdir(), *(path for name in own for path in (folder / name).rglob("*"))):
        if path.is_symlink():
            raise SandlotError(
                f"{path} is a link to {path.readlink()}; a run's folder holds its files itself, "
                "as writing through links could change files elsewhere"
            )
