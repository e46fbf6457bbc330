"""How much of images fits into memory at a time, and networks of a size that suits them."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from .config import GenerativeConfig
from .metrics import EVAL_BATCH_SIZE

ConfigT = TypeVar("ConfigT", bound=GenerativeConfig)
BUDGET = 2 << 30
"""Bytes that the feature maps of a batch may take."""
LARGEST_MAP = 32
"""Sides of the last feature maps, at most: with larger ones, the layer to the code outgrows all others."""


def bytes_per_row(shape: Sequence[int], config: GenerativeConfig) -> int:
    """Return about how many bytes the feature maps and gradients of an image take in training."""
    channels, height, width = shape
    return 12 * height * width * (channels + config.widths[0] // 2)


def rows_at_a_time(shape: Sequence[int], config: GenerativeConfig) -> int:
    """Return how many rows fit into memory at a time, at most the usual batch of an evaluation."""
    if len(shape) != 3:
        return EVAL_BATCH_SIZE
    return max(1, min(EVAL_BATCH_SIZE, BUDGET // bytes_per_row(shape, config)))


def sized(config: ConfigT, shape: Sequence[int]) -> ConfigT:
    """Return a config with so many convolutions and micro-batches that images of `shape` can be learned from.

    Each convolution halves the image, until its maps have at most 32 pixels a side; small images change nothing.
    """
    if len(shape) != 3:
        return config
    widths = config.widths
    while config.network in ("auto", "strided") and min(shape[1:]) / 2 ** len(widths) > LARGEST_MAP:
        widths = (*widths, widths[-1])
    fits = rows_at_a_time(shape, config)
    divisors = [count for count in range(1, config.batch_size + 1) if config.batch_size % count == 0]
    accumulate = next(count for count in divisors if config.batch_size // count <= fits or count == config.batch_size)
    return replace(config, widths=widths, accumulate=max(config.accumulate, accumulate))


def size_notes(shape: Sequence[int], config: GenerativeConfig, resized: bool, has_encoder: bool) -> list[str]:
    """Return what a user should know of a network's size: how it was fitted to the images, and a code that is large."""
    notes, numbers = [], math.prod(shape)
    if resized:
        notes.append(
            f"images of {shape[2]}×{shape[1]} pixels: {len(config.widths)} convolutions, "
            f"{config.batch_size // config.accumulate} images in memory at a time"
        )
    if has_encoder and config.latent_size > numbers:
        notes.append(
            f"the code is over-complete: {config.latent_size} numbers for rows of {numbers}, so that copying would do"
        )
    return notes
