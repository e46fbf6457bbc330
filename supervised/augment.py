"""Random changes of images that leave what they show, on whatever device they are.

Each image of a batch is changed in its own way, with torch's random numbers.
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

Augmentation = Literal["crop", "flip", "rotate", "erase", "colour"]
Images = Float[Tensor, "row channel height width"]
SHIFT, ANGLE, ERASED, CHANGE = 1 / 8, math.radians(15), (0.02, 0.2), 0.2
"""Sides that images are moved by at most, angle they are turned by, share that is erased, change of colours."""


def augmented(images: Tensor, names: Sequence[Augmentation]) -> Tensor:
    """Return `images`, with pixels between 0 and 255, after the changes called `names`."""
    if not names:
        return images
    changed = images.float()
    for name in names:
        changed = AUGMENTATIONS[name](changed)
    return changed


def crop(images: Images) -> Images:
    """Move images by up to an eighth of their sides; what comes in is black (He et al., 2016, section 4.2)."""
    height, width = images.shape[2:]
    down, right = (_integers(len(images), round(SHIFT * side), images.device) for side in (height, width))
    return shifted(images, down, right)


def shifted(images: Images, down: Int[Tensor, "row"], right: Int[Tensor, "row"]) -> Images:
    """Move each image down and to the right by its own numbers of pixels."""
    rows, _, height, width = images.shape
    y = torch.arange(height, device=images.device) - down[:, None]
    x = torch.arange(width, device=images.device) - right[:, None]
    row = torch.arange(rows, device=images.device)[:, None, None]
    moved = images.permute(0, 2, 3, 1)[row, y.clamp(0, height - 1)[:, :, None], x.clamp(0, width - 1)[:, None, :]]
    inside = ((y >= 0) & (y < height))[:, :, None] & ((x >= 0) & (x < width))[:, None, :]
    return (moved * inside[..., None]).permute(0, 3, 1, 2)


def flip(images: Images) -> Images:
    """Mirror every other image, at random, left to right."""
    mirrored = torch.rand(len(images), device=images.device) < 0.5
    return torch.where(mirrored[:, None, None, None], images.flip(-1), images)


def rotate(images: Images) -> Images:
    """Turn images by up to 15 degrees."""
    angle = (2 * torch.rand(len(images), device=images.device) - 1) * ANGLE
    return turned(images, angle)


def turned(images: Images, angle: Float[Tensor, "row"]) -> Images:
    """Turn each image counter-clockwise by its own angle, in radians."""
    ratio = images.shape[3] / images.shape[2]
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    matrix = torch.stack([cos, -sin / ratio, zero, sin * ratio, cos, zero], 1).view(-1, 2, 3)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="zeros", align_corners=False)


def erase(images: Images) -> Images:
    """Blacken a rectangle of every other image, at random (Zhong et al., "Random erasing", 2020)."""
    rows, _, height, width = images.shape
    share, stretch, top, left = torch.rand(4, rows, device=images.device)
    area = ERASED[0] + share * (ERASED[1] - ERASED[0])
    aspect = torch.exp((2 * stretch - 1) * math.log(3))
    sides = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
    inside = []
    for length, side, start in zip((height, width), sides, (top, left), strict=True):
        place = (torch.arange(length, device=images.device) + 0.5) / length
        begin = (start * (1 - side))[:, None]
        inside.append((place >= begin) & (place < begin + side[:, None]))
    erased = (torch.rand(rows, device=images.device) < 0.5)[:, None, None]
    return images * ~(erased & inside[0][:, :, None] & inside[1][:, None, :])[:, None]


def colour(images: Images) -> Images:
    """Change the brightness and contrast of images by up to a fifth."""
    light, contrast = (1 + CHANGE * (2 * torch.rand(2, len(images), 1, 1, 1, device=images.device) - 1)).unbind()
    mean = images.mean((1, 2, 3), keepdim=True)
    return ((images - mean) * contrast + mean * light).clamp(0, 255)


def _integers(count: int, most: int, device: torch.device) -> Int[Tensor, "row"]:
    return torch.randint(-most, most + 1, (count,), device=device)


AUGMENTATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "crop": crop,
    "flip": flip,
    "rotate": rotate,
    "erase": erase,
    "colour": colour,
}
