"""Decode image files into arrays of one shape."""

import io
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from sandlot.tracking import SandlotError

from .config import DataConfig

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".tif", ".tiff")
MODES = {"grey": "L", "rgb": "RGB"}
GREY = ("1", "L", "I", "I;16", "F")


class ImageCollector:
    """Decode images one by one; all must have the shape of the first."""

    def __init__(self, config: DataConfig):
        self.config = config
        self.arrays: list[np.ndarray] = []
        self.unreadable: list[str] = []
        self._first = ""

    def add(self, source: Path | bytes, place: str) -> bool:
        """Decode one image and return whether that worked. Raises `SandlotError` unless unreadable ones are skipped."""
        from PIL import Image

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
                    array = self._decode(image)
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            if not self.config.skip_unreadable:
                raise SandlotError(f"{place} can't be read as an image: {error}") from error
            self.unreadable.append(place)
            return False
        if self.arrays and array.shape != self.arrays[0].shape:
            (height, width, channels), (first_height, first_width, first_channels) = array.shape, self.arrays[0].shape
            raise SandlotError(
                f"{place} is an image of {width}×{height} pixels and {channels} channel(s), and {self._first} one of "
                f"{first_width}×{first_height} and {first_channels}; convert them with --image-size and --image-mode"
            )
        self._first = self._first or place
        self.arrays.append(array)
        return True

    def stacked(self, name: str) -> UInt8[np.ndarray, "row height width channel"]:
        """Return all images. Raises `SandlotError` if there are none."""
        if not self.arrays:
            bad = f"; {len(self.unreadable)} can't be read, such as {self.unreadable[0]}" if self.unreadable else ""
            raise SandlotError(f"{name} contains no readable image{bad}")
        return np.stack(self.arrays)

    def _decode(self, image: Any) -> UInt8[np.ndarray, "height width channel"]:
        mode = MODES.get(self.config.image_mode) or ("L" if image.mode in GREY else "RGB")
        image = image.convert(mode)
        if self.config.image_size:
            image = image.resize((self.config.image_size, self.config.image_size))
        array = np.asarray(image, np.uint8)
        return array[..., None] if array.ndim == 2 else array


def read_images(
    sources: Iterable[tuple[Path | bytes, str]], name: str, config: DataConfig
) -> tuple[UInt8[np.ndarray, "row height width channel"], list[bool]]:
    """Return the images of `sources` (each with its place, for messages), and for each whether it could be read."""
    images = ImageCollector(config)
    read = [images.add(source, place) for source, place in sources]
    return images.stacked(name), read
