"""Plots of samples: grids of images, or scatter plots of table rows."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from sandlot.tracking import picture

MIN_SIDE = 56
"""Pixels per side that an image is enlarged to, at least."""
GAP = 2
"""Pixels between images."""


class SampleGrid(NamedTuple):
    """Rows to plot, and the number of columns if they are images."""

    rows: Float[Tensor, "row ..."]
    columns: int


def comparison_grid(*sets: Float[Tensor, "row ..."]) -> SampleGrid:
    """Return sets of rows as a grid, eight columns wide, with the matching rows of the sets below each other."""
    columns = min(8, len(sets[0]))
    count = len(sets[0]) - len(sets[0]) % columns
    blocks = torch.stack(sets)[:, :count].split(columns, dim=1)
    return SampleGrid(torch.cat([block.flatten(0, 1) for block in blocks]), columns)


def plot_grid(path: Path, grid: SampleGrid, data: Float[Tensor, "real ..."]) -> Path:
    """Plot images as a grid, and table rows as points over those of the `data`; return the path of the PNG file."""
    if grid.rows.ndim == 4:
        return write_image(path, image_grid(*grid))
    return plot_points(path, grid.rows, data)


def image_grid(
    images: Float[Tensor, "row channel height width"], columns: int, min_side: int = MIN_SIDE
) -> UInt8[np.ndarray, "tall wide 3"]:
    """Return images side by side as RGB pixels; those with a side below `min_side` are enlarged by a whole factor."""
    rows = math.ceil(len(images) / columns)
    pixels = to_pixels(images)
    factor = max(1, math.ceil(min_side / min(pixels.shape[1:3])))
    pixels = pixels.repeat(factor, 1).repeat(factor, 2)
    height, width = pixels.shape[1] + GAP, pixels.shape[2] + GAP
    grid = np.full((rows * height + GAP, columns * width + GAP, 3), 255, np.uint8)
    for index, image in enumerate(pixels):
        top, left = index // columns * height + GAP, index % columns * width + GAP
        grid[top : top + height - GAP, left : left + width - GAP] = image
    return grid


def to_pixels(images: Float[Tensor, "row channel height width"]) -> UInt8[np.ndarray, "row height width 3"]:
    """Return images with values in [0, 1] as RGB bytes.

    Images of one or two channels become grey. Of four or more, which are stacked frames, the last is shown.
    """
    pixels = (images.detach().clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy().transpose(0, 2, 3, 1)
    return pixels if pixels.shape[-1] == 3 else pixels[..., -1:].repeat(3, -1)


def write_image(path: Path, pixels: UInt8[np.ndarray, "height width 3"]) -> Path:
    """Write a PNG file and return its path."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def plot_points(path: Path, rows: Float[Tensor, "row size"], data: Float[Tensor, "real size"]) -> Path:
    """Plot the first two columns of table rows as points, over those of the data."""
    with picture(path, 5, 5) as figure:
        axes = figure.add_subplot()
        for points, name, color in ((data, "data", "0.75"), (rows, path.stem, "C0")):
            first, second = points[:, 0].tolist(), points[:, min(1, points.shape[1] - 1)].tolist()
            axes.scatter(first, second, s=8, label=name, color=color, linewidths=0)
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    return path
