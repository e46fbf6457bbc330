"""Episodes side by side."""

from collections.abc import Iterator, Sequence

import numpy as np

from sandlot.envs import Frame

from .drawing import BACKGROUND
from .episode_frames import EpisodeFrames

GAP = 4


def grid_frames(episodes: Sequence[EpisodeFrames], columns: int, rows: int) -> Iterator[Frame]:
    """Yield the frames of `episodes` in a grid, row by row, until all have ended; the last frame of one stays dimmed.

    The frames must be of one size. The array yielded is the same each time.
    """
    if columns * rows == 1:
        yield from episodes[0]
        return
    frames = [next(episode) for episode in episodes]
    height, width, _ = frames[0].shape
    canvas = np.empty((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), np.uint8)
    canvas[:] = BACKGROUND
    cells = [
        canvas[row * (height + GAP) :, column * (width + GAP) :][:height, :width]
        for row, column in np.ndindex(rows, columns)
    ]
    playing = list(zip(episodes, cells, strict=False))
    for (_, cell), frame in zip(playing, frames, strict=True):
        cell[:] = frame
    while playing:
        yield canvas
        shown = [(episode, cell, next(episode, None)) for episode, cell in playing]
        playing = []
        for episode, cell, frame in shown:
            cell[:] = episode.dimmed() if frame is None else frame
            if frame is not None:
                playing.append((episode, cell))
