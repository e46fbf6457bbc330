"""Write generated rows to files: arrays, tables or pictures."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from .base import GenerativeModel, Label, Rows

SUFFIXES = (".png", ".npz", ".npy", ".csv")
"""Endings of a file of rows; without an ending it is a folder of pictures."""


def export_rows(path: Path, model: GenerativeModel, rows: Rows, label: Label) -> Path:
    """Write rows in the units of the data to a .npz, .npy or .csv file, or as a PNG file each into a folder."""
    columns = model.inverse_transform(rows)
    classes = None if label is None else np.array([model.classes[index] for index in label.tolist()])
    path.parent.mkdir(parents=True, exist_ok=True)
    match path.suffix:
        case ".npz":
            arrays: dict[str, Any] = columns if classes is None else {**columns, "label": classes}
            np.savez_compressed(path, **arrays)
        case ".npy":
            np.save(path, columns["image"] if model.makes_images else np.stack(list(columns.values()), 1))
        case ".csv":
            _write_csv(path, columns, classes)
        case _:
            _write_pictures(path, columns["image"], classes)
    return path


def _write_csv(path: Path, columns: dict[str, np.ndarray], classes: np.ndarray | None) -> None:
    if "image" in columns and columns["image"].ndim > 1:
        flat = columns["image"].reshape(len(columns["image"]), -1)
        columns = {f"pixel{index}": flat[:, index] for index in range(flat.shape[1])}
    columns = columns | ({} if classes is None else {"label": classes})
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))


def _write_pictures(folder: Path, images: np.ndarray, classes: np.ndarray | None) -> None:
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    width = len(str(len(images) - 1))
    for index, image in enumerate(images):
        shown = image if image.shape[-1] == 3 else image[..., -1]
        name = f"{index:0{width}d}.png" if classes is None else f"{index:0{width}d}-{classes[index]}.png"
        Image.fromarray(shown).save(folder / name.replace("/", "_"))
