"""Pictures in files to arrays of the same shape."""

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


class Pictures:
    """Gather pictures, which must fit the first one."""

    def __init__(self, config: DataConfig):
        self.config = config
        self.arrays: list[np.ndarray] = []
        self.unreadable: list[str] = []
        self._first = ""

    def add(self, source: Path | bytes, place: str) -> bool:
        """Read one and tell whether that was possible; one that can't be read is left out, unless all must be."""
        from PIL import Image

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as picture:
                    array = self._read(picture)
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            if self.config.strict:
                raise SandlotError(f"{place} can't be read as an image: {error}") from error
            self.unreadable.append(place)
            return False
        if self.arrays and array.shape != self.arrays[0].shape:
            (height, width, channels), (first_height, first_width, first_channels) = array.shape, self.arrays[0].shape
            raise SandlotError(
                f"{place} is an image of {width}×{height} pixels in {channels} channel(s), and {self._first} one of "
                f"{first_width}×{first_height} in {first_channels}; make them alike with --image-size and --image-mode"
            )
        self._first = self._first or place
        self.arrays.append(array)
        return True

    def stacked(self, name: str) -> UInt8[np.ndarray, "row height width channel"]:
        """Return all of them."""
        if not self.arrays:
            bad = f"; {len(self.unreadable)} can't be read, as {self.unreadable[0]}" if self.unreadable else ""
            raise SandlotError(f"{name} holds no image that can be read{bad}")
        return np.stack(self.arrays)

    def _read(self, picture: Any) -> np.ndarray:
        mode = MODES.get(self.config.image_mode) or ("L" if picture.mode in GREY else "RGB")
        picture = picture.convert(mode)
        if self.config.image_size:
            picture = picture.resize((self.config.image_size, self.config.image_size))
        array = np.asarray(picture, np.uint8)
        return array[..., None] if array.ndim == 2 else array


def read_pictures(
    sources: Iterable[tuple[Path | bytes, str]], name: str, config: DataConfig
) -> tuple[UInt8[np.ndarray, "row height width channel"], list[bool]]:
    """Return the pictures that `sources` and their places give, and for each source whether it could be read."""
    pictures = Pictures(config)
    read = [pictures.add(source, place) for source, place in sources]
    return pictures.stacked(name), read
