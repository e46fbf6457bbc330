"""Tables and images of a network's worst predictions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sandlot.supervised.data import Frame
from sandlot.tracking import write_table

from .plots import draw_images

MOST = 24
"""Rows in a table."""


def write_worst_predictions(
    folder: Path, frame: Frame, rows: np.ndarray, inputs: Sequence[str], headings: Sequence[str], cells: list[list[Any]]
) -> dict[str, Path]:
    """Write a table of `rows` of `frame`, the worst first, with their inputs and `cells` under `headings`.

    If the input is an image, write a plot of the images too. Returns the files by name.
    """
    rows, cells = rows[:MOST], cells[:MOST]
    table, files = folder / "worst-predictions.json", {}
    shown = frame.take(rows)
    read = [shown.columns[name] for name in inputs]
    if read[0].ndim > 1:
        titles = [
            "\n".join(f"{name} {_short(cell)}" for name, cell in zip(headings, row, strict=True)) for row in cells
        ]
        files["worst_predictions"] = folder / "worst-predictions.png"
        draw_images(files["worst_predictions"], read[0].astype(float), titles)
        images = folder / "worst-predictions"
        input_cells = [[{"image": _write_image(images, place, image)}] for place, image in enumerate(read[0])]
    else:
        input_cells = [[_plain(column[place]) for column in read] for place in range(len(rows))]
    places = [shown.place(row) for row in range(len(rows))]
    lines = [[place, *own, *row] for place, own, row in zip(places, input_cells, cells, strict=True)]
    write_table(table, ["row", *inputs, *headings], lines)
    return {**files, "worst_predictions_table": table}


def _write_image(folder: Path, place: int, image: np.ndarray) -> str:
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(folder / f"{place:02}.png")
    return f"{folder.name}/{place:02}.png"


def _short(cell: Any) -> str:
    return f"{cell:.2f}" if isinstance(cell, float) else str(cell)


def _plain(cell: Any) -> Any:
    return cell.item() if isinstance(cell, np.generic) else cell
