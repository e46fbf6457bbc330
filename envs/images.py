"""Which observations are images, how their axes lie, and how images become smaller or grey."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from gymnasium import Space, spaces

from sandlot.tracking import SandlotError

CHANNELS = (1, 2, 3, 4)
"""Numbers of channels that an image may have whatever its size."""
SMALLEST_SIDE = 8
"""Smallest side, in pixels, of what only its size tells to be an image."""
GREY = np.array([0.2125, 0.7154, 0.0721])
"""Shares of red, green and blue, as in Gymnasium's GrayscaleObservation."""


class ImageLayout(NamedTuple):
    """How the axes of an image lie: `(frames,) height, width, channels`, with the channels first, last or left out."""

    height: int
    width: int
    channels: int
    """Channels of one frame."""
    frames: int
    """Frames of a stack; 1 without a frame axis."""
    stacked: bool
    """Whether there is a frame axis, before all others."""
    channel_axis: int | None
    """Axis of the channels, counted from the end: -1 or -3; None if there is none."""


def image_layout(space: Space) -> ImageLayout | None:
    """Return how images of `space` lie, or None if its observations are no images.

    Images have two axes (bytes from 0 to 255 alone), three, or four if frames are stacked.
    """
    if not isinstance(space, spaces.Box) or 0 in space.shape:
        return None
    pixels = (
        space.dtype == np.uint8 and space.shape != () and bool((space.low == 0).all() and (space.high == 255).all())
    )
    match space.shape:
        case (height, width) if pixels and min(height, width) >= SMALLEST_SIDE:
            return ImageLayout(height, width, 1, 1, stacked=False, channel_axis=None)
        case (_, _, _):
            return _of_three(space.shape, space.dtype == np.uint8, pixels)
        case (frames, *rest):
            found = _of_three(tuple(rest), space.dtype == np.uint8, False) if len(rest) == 3 else None
            return found and found._replace(frames=frames, stacked=True)
        case _:
            return None


def _of_three(shape: tuple[int, ...], of_bytes: bool, pixels: bool) -> ImageLayout | None:
    first, middle, last = shape
    if (first in CHANNELS or last in CHANNELS) and (of_bytes or min(sorted(shape)[1:]) >= SMALLEST_SIDE):
        if last in CHANNELS and first not in CHANNELS:
            return ImageLayout(first, middle, last, 1, stacked=False, channel_axis=-1)
        return ImageLayout(middle, last, first, 1, stacked=False, channel_axis=-3)
    # More channels than an image has by itself, as in a longer stack of grey frames.
    if pixels and min(sorted(shape)[1:]) >= SMALLEST_SIDE and first != last:
        if first < min(middle, last):
            return ImageLayout(middle, last, first, 1, stacked=False, channel_axis=-3)
        if last < min(first, middle):
            return ImageLayout(first, middle, last, 1, stacked=False, channel_axis=-1)
    return None


def is_bytes(space: spaces.Box) -> bool:
    """Tell whether the numbers of `space` are bytes, from 0 to 255."""
    return space.dtype == np.uint8 and bool((space.low == 0).all() and (space.high == 255).all())


def white(space: spaces.Box) -> float:
    """Return the number that stands for full brightness in images of `space`: 255 for bytes, 1 for unknown."""
    if space.dtype == np.uint8:
        return 255.0
    extent = max(abs(float(space.low.min())), abs(float(space.high.max())))
    return extent if 1.0 < extent < 1e6 else 1.0


class ObservationTransform(NamedTuple):
    """A space, and what turns observations into ones of it."""

    space: Space
    apply: Callable[[Any], Any]


def image_transform(space: Space, grey: bool, size: int) -> ObservationTransform:
    """Return what makes the images of `space` grey, or `size` × `size` pixels (0: as they are), also in parts of it.

    Grey images have no channel axis. Raises `SandlotError` if there are no images in `space`.
    """
    found = _transform(space, grey, size)
    if found is None:
        raise SandlotError(f"grey or resize needs images, not {space}")
    return found


def _transform(space: Space, grey: bool, size: int) -> ObservationTransform | None:
    match space:
        case spaces.Dict() | spaces.Tuple():
            keys: Any = list(space.keys()) if isinstance(space, spaces.Dict) else range(len(space))
            parts = {key: made for key in keys if (made := _transform(space[key], grey, size)) is not None}
            if not parts:
                return None
            return _of_parts(space, parts)
        case spaces.Box():
            layout = image_layout(space)
            return None if layout is None else _of_image(space, layout, grey, size)
        case _:
            return None


def _of_parts(space: Any, parts: dict[Any, ObservationTransform]) -> ObservationTransform:
    def apply_dict(observation: Any) -> Any:
        return {key: parts[key].apply(part) if key in parts else part for key, part in observation.items()}

    def apply_tuple(observation: Any) -> Any:
        return tuple(parts[key].apply(part) if key in parts else part for key, part in enumerate(observation))

    if isinstance(space, spaces.Dict):
        made = {key: parts[key].space if key in parts else part for key, part in space.items()}
        return ObservationTransform(spaces.Dict(made), apply_dict)
    made = [parts[key].space if key in parts else part for key, part in enumerate(space)]
    return ObservationTransform(spaces.Tuple(made), apply_tuple)


def _of_image(space: spaces.Box, layout: ImageLayout, grey: bool, size: int) -> ObservationTransform:
    if layout.stacked:
        raise SandlotError(f"grey or resize needs single images, and {space} are stacks of them")
    if grey and layout.channels not in (1, 3, 4):
        raise SandlotError(f"grey needs images of red, green and blue, and {space} has {layout.channels} channels")
    if grey and layout.channels == 4 and layout.channel_axis == -3:
        raise SandlotError(f"grey can't tell whether {space} are four frames or one with an alpha channel")
    height, width = (size, size) if size else (layout.height, layout.width)
    shape: tuple[int, ...] = (height, width)
    if not grey and layout.channel_axis is not None:
        shape = (height, width, layout.channels) if layout.channel_axis == -1 else (layout.channels, height, width)
    low, high = space.low.min(), space.high.max()

    def apply(image: Any) -> np.ndarray:
        # Channels last, as OpenCV has them.
        rows = np.asarray(image)
        rows = rows[..., None] if layout.channel_axis is None else np.moveaxis(rows, layout.channel_axis, -1)
        if grey:
            rows = to_grey(rows)
        if size:
            rows = resized(rows, size)
        return (
            rows.reshape(shape) if layout.channel_axis != -3 or grey else np.ascontiguousarray(np.moveaxis(rows, -1, 0))
        )

    return ObservationTransform(spaces.Box(low, high, shape, space.dtype.type), apply)  # pyright: ignore[reportArgumentType, reportOptionalMemberAccess]


def to_grey(image: np.ndarray) -> np.ndarray:
    """Return an image of one channel, or of three and perhaps alpha, as one of one channel; channels are last."""
    if image.shape[-1] == 1:
        return image
    return np.sum(image[..., :3] * GREY, axis=-1, keepdims=True).astype(image.dtype)


def resized(image: np.ndarray, size: int) -> np.ndarray:
    """Return an image, channels last, at `size` × `size` pixels."""
    try:
        import cv2
    except ImportError as error:
        raise SandlotError('resizing needs OpenCV; install it with: pip install "sandlot[images]"') from error
    # OpenCV knows neither long integers nor half precision.
    known = image.dtype in (np.uint8, np.uint16, np.int16, np.float32, np.float64)
    taken = np.ascontiguousarray(image if known else image.astype(np.float32))
    small = [cv2.resize(taken[..., at : at + 4], (size, size), interpolation=cv2.INTER_AREA).reshape(size, size, -1)
             for at in range(0, taken.shape[-1], 4)]  # fmt: skip
    return (small[0] if len(small) == 1 else np.concatenate(small, -1)).astype(image.dtype, copy=False)
