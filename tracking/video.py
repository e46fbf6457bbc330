"""Video files that every player opens."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from .errors import SandlotError


def write_video(path: Path, frames: Iterable[UInt8[np.ndarray, "height width 3"]], fps: float) -> int:
    """Encode `frames` to the mp4 file `path` as they come, and return how many there were.

    H.264 in yuv420p with even sides (an odd one is padded), which is what browsers and phones play. The
    file appears when it is whole. Memory stays bounded however long the film.
    """
    from moviepy.video.io.ffmpeg_writer import FFMPEG_VideoWriter

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.tmp.mp4")
    options = ["-pix_fmt", "yuv420p", "-movflags", "+faststart", "-crf", "23"]
    writer = None
    count = 0
    try:
        for frame in frames:
            frame = _even(frame)
            if writer is None:
                height, width, _ = frame.shape
                size = (width, height)
                writer = FFMPEG_VideoWriter(
                    str(temporary), size, fps, preset="superfast", threads=2, ffmpeg_params=options
                )
            writer.write_frame(frame)
            count += 1
        if writer is None:
            raise SandlotError(f"there are no frames to make {path} of")
        writer.close()
        temporary.replace(path)
    finally:
        if writer is not None:
            writer.close()
        temporary.unlink(missing_ok=True)
    return count


def _even(frame: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "even_height even_width 3"]:
    height, width = frame.shape[0] % 2, frame.shape[1] % 2
    if height or width:
        frame = np.pad(frame, ((0, height), (0, width), (0, 0)), mode="edge")
    return frame
