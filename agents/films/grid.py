"""Reels side by side."""

from collections.abc import Iterator, Sequence

import numpy as np

from envs import Frame

from .ink import PAPER
from .reel import Reel

GAP = 4


def side_by_side(reels: Sequence[Reel], columns: int, rows: int) -> Iterator[Frame]:
    """Yield the reels' pictures in a grid, row by row, until all have ended. One that has ended fades.

    All are pictures of one environment, and of one size. It is the same array again and again.
    """
    if columns * rows == 1:
        yield from reels[0]
        return
    playing, faded = set(range(len(reels))), set[int]()
    canvas = np.empty((0, 0, 3), np.uint8)
    while playing:
        shown = {}
        for index in sorted(playing):
            picture = next(reels[index], None)
            if picture is not None:
                shown[index] = picture
        if not shown:
            return
        if not canvas.size:
            height, width, _ = shown[0].shape
            canvas = np.empty((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), np.uint8)
            canvas[:] = PAPER
            places = [
                canvas[row * (height + GAP) :, column * (width + GAP) :][:height, :width]
                for row, column in np.ndindex(rows, columns)
            ]
        for index in range(len(reels)):
            if index in shown:
                places[index][:] = shown[index]
            elif index not in faded:
                places[index][:] = reels[index].faded()
                faded.add(index)
        playing = set(shown)
        yield canvas
