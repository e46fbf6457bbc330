"""The rows that a network is most wrong about."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sandlot.supervised.data import Frame
from sandlot.tracking import write_table

from .plots import draw_images

MOST = 24


def write_worst_predictions(
    folder: Path, frame: Frame, rows: np.ndarray, inputs: Sequence[str], columns: Sequence[str], told: list[list[Any]]
) -> dict[str, Path]:
    """Write a table of some `rows` with what is read of them and what is `told` of each, and a picture of images.

    `rows` are those of `frame`, the worst first; `told` is a list of cells for each, under the names `columns`.
    """
    rows, told = rows[:MOST], told[:MOST]
    table, files = folder / "mistakes.json", {}
    shown = frame.take(rows)
    read = [shown.columns[name] for name in inputs]
    if read[0].ndim > 1:
        titles = ["\n".join(f"{name} {_short(cell)}" for name, cell in zip(columns, cells, strict=True))
                  for cells in told]  # fmt: skip
        draw_images(folder / "mistakes.png", read[0].astype(float), titles)
        files["mistakes"] = folder / "mistakes.png"
        cells = [[{"image": _write_image(folder / "mistakes", place, image)}] for place, image in enumerate(read[0])]
    else:
        cells = [[_plain(column[place]) for column in read] for place in range(len(rows))]
    places = [shown.place(row) for row in range(len(rows))]
    write_table(
        table, ["row", *inputs, *columns],
        [[place, *cell, *more] for place, cell, more in zip(places, cells, told, strict=True)],
    )  # fmt: skip
    return {**files, "mistakes_table": table}


def _write_image(folder: Path, place: int, image: np.ndarray) -> str:
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(folder / f"{place:02}.png")
    return f"{folder.name}/{place:02}.png"


def _short(cell: Any) -> str:
    return f"{cell:.2f}" if isinstance(cell, float) else str(cell)


def _plain(cell: Any) -> Any:
    return cell.item() if isinstance(cell, np.generic) else cell
