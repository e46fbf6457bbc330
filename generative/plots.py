"""Pictures of rows: images side by side, or points."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from sandlot.tracking import picture

SMALLEST_SHOWN = 56
"""Pixels a side that an image is shown with at least."""
GAP = 2


class Shown(NamedTuple):
    """Rows to show, and in how many columns."""

    rows: Float[Tensor, "row ..."]
    columns: int


def in_rows(*sets: Float[Tensor, "row ..."]) -> Shown:
    """Return sets of rows so that those that belong together stand one below the other, eight abreast."""
    columns = min(8, len(sets[0]))
    whole = len(sets[0]) - len(sets[0]) % columns
    blocks = torch.stack(sets)[:, :whole].split(columns, dim=1)
    return Shown(torch.cat([block.flatten(0, 1) for block in blocks]), columns)


def draw_rows(path: Path, shown: Shown, reality: Float[Tensor, "real ..."]) -> Path:
    """Draw images as a grid, and other rows as points among those of `reality`; return the path of the PNG file."""
    if shown.rows.ndim == 4:
        return write_image(path, image_grid(*shown))
    return draw_points(path, shown.rows, reality)


def image_grid(
    images: Float[Tensor, "row channel height width"], columns: int, smallest: int = SMALLEST_SHOWN
) -> UInt8[np.ndarray, "tall wide 3"]:
    """Return images side by side; those with a side below `smallest` are enlarged, pixel by pixel."""
    count = math.ceil(len(images) / columns)
    pixels = to_pixels(images)
    times = max(1, math.ceil(smallest / min(pixels.shape[1:3])))
    pixels = pixels.repeat(times, 1).repeat(times, 2)
    height, width = pixels.shape[1] + GAP, pixels.shape[2] + GAP
    grid = np.full((count * height + GAP, columns * width + GAP, 3), 255, np.uint8)
    for place, image in enumerate(pixels):
        top, left = place // columns * height + GAP, place % columns * width + GAP
        grid[top : top + height - GAP, left : left + width - GAP] = image
    return grid


def to_pixels(images: Float[Tensor, "row channel height width"]) -> UInt8[np.ndarray, "row height width 3"]:
    """Return images with values in [0, 1] as red, green and blue bytes.

    One or two channels are shown in grey; of four or more, which are frames of a stack, the last is.
    """
    pixels = (images.detach().clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy().transpose(0, 2, 3, 1)
    return pixels if pixels.shape[-1] == 3 else pixels[..., -1:].repeat(3, -1)


def write_image(path: Path, pixels: UInt8[np.ndarray, "height width 3"]) -> Path:
    """Write a PNG file and return its path."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def draw_points(path: Path, rows: Float[Tensor, "row size"], reality: Float[Tensor, "real size"]) -> Path:
    """Draw rows as points, over those of reality, by their first two numbers."""
    with picture(path, 5, 5) as figure:
        axes = figure.add_subplot()
        for points, name, color in ((reality, "data", "0.75"), (rows, path.stem, "C0")):
            first, second = points[:, 0].tolist(), points[:, min(1, points.shape[1] - 1)].tolist()
            axes.scatter(first, second, s=8, label=name, color=color, linewidths=0)
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    return path
