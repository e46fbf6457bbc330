"""Reels side by side."""

from collections.abc import Iterator, Sequence

import numpy as np

from sandlot.envs import Frame

from .drawing import PAPER
from .episode_frames import Reel

GAP = 4


def split_sequences(reels: Sequence[Reel], columns: int, rows: int) -> Iterator[Frame]:
    """Yield the reels' pictures in a grid, row by row, until all have ended. One that has ended fades.

    All are pictures of one environment, and of one size. It is the same array again and again.
    """
    if columns * rows == 1:
        yield from reels[0]
        return
    pictures = [next(reel) for reel in reels]
    height, width, _ = pictures[0].shape
    canvas = np.empty((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), np.uint8)
    canvas[:] = PAPER
    places = [
        canvas[row * (height + GAP) :, column * (width + GAP) :][:height, :width]
        for row, column in np.ndindex(rows, columns)
    ]
    playing = list(zip(reels, places, strict=False))
    for (_, place), picture in zip(playing, pictures, strict=True):
        place[:] = picture
    while playing:
        yield canvas
        shown = [(reel, place, next(reel, None)) for reel, place in playing]
        playing = []
        for reel, place, picture in shown:
            place[:] = reel.faded() if picture is None else picture
            if picture is not None:
                playing.append((reel, place))
