"""Films, pictures and tables as W&B has them."""

from pathlib import Path
from typing import Any

from .tables import read_table


def to_wandb(path: Path, caption: str | None) -> Any:
    """Return the file `path` as an object of W&B's."""
    import wandb

    match path.suffix:
        case ".mp4" | ".gif":
            return wandb.Video(str(path), format=path.suffix.removeprefix("."), caption=caption)  # pyright: ignore[reportArgumentType]
        case ".json":
            columns, rows = read_table(path)
            cells = [[_cell(path, cell) for cell in row] for row in rows]
            return wandb.Table(columns=columns, data=cells)  # pyright: ignore[reportArgumentType]
        case _:
            return wandb.Image(str(path), caption=caption)


def _cell(path: Path, cell: Any) -> Any:
    import wandb

    return wandb.Image(str(path.parent / cell["image"])) if isinstance(cell, dict) else cell
