"""Encode videos that every player opens."""

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from sandlot.tracking.common.errors import SandlotError
from sandlot.tracking.common.files import writing

LONGEST_SIDE = 1920
"""Larger frames are scaled down: most screens and phones can't show more."""
GIF_SIDE, GIF_RATE = 480, 25
"""Maximum frame rate of a GIF; browsers slow down faster ones."""


def write_video(path: Path, frames: Iterable[UInt8[np.ndarray, "height width 3"]], fps: float) -> int:
    """Encode `frames` to the mp4 file `path` as a stream, and return their number.

    H.264 in yuv420p with even sides (an odd one is padded), which is what browsers and phones play. The
    file appears when it is whole. Memory stays bounded however long the film.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.tmp.mp4")
    writer = None
    count = 0
    try:
        for frame in frames:
            if writer is None:
                height, width, _ = frame.shape
                writer = _writer(temporary, height, width, fps)
            _write(writer, _even(frame), path)
            count += 1
        if writer is None:
            raise SandlotError(f"there are no frames to make {path} of")
        writer.close()
        with writing(path):
            temporary.replace(path)
    finally:
        if writer is not None:
            writer.close()
        temporary.unlink(missing_ok=True)
    return count


def write_gif(path: Path, video: Path) -> None:
    """Convert the mp4 file `video` to a small GIF `path`.

    Its colours are chosen in a first pass over the film, so memory stays bounded here too.
    """
    temporary, palette = path.with_name(f".{path.stem}.tmp.gif"), path.with_name(f".{path.stem}.tmp.png")
    rate = f"source_fps/ceil(source_fps/{GIF_RATE})"
    shown = f"fps='{rate}',scale={_within(GIF_SIDE)}:flags=area"
    used = "[shown];[shown][1:v]paletteuse=dither=none:diff_mode=rectangle"
    try:
        _ffmpeg("-i", str(video), "-vf", f"{shown},palettegen=stats_mode=full", "-update", "1", str(palette))
        _ffmpeg("-i", str(video), "-i", str(palette), "-lavfi", shown + used, "-loop", "0", str(temporary))
        with writing(path):
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
        palette.unlink(missing_ok=True)


def _writer(path: Path, height: int, width: int, fps: float) -> Any:
    """Return an encoder of frames of this size."""
    from moviepy.video.io.ffmpeg_writer import FFMPEG_VideoWriter

    size = (width + width % 2, height + height % 2)
    options = ["-pix_fmt", "yuv420p", "-movflags", "+faststart", "-crf", "23"]
    if max(size) > LONGEST_SIDE:
        options += ["-vf", f"scale={_within(LONGEST_SIDE)}:flags=area"]
    return FFMPEG_VideoWriter(str(path), size, fps, preset="superfast", threads=2, ffmpeg_params=options)


def _write(writer: Any, frame: UInt8[np.ndarray, "even_height even_width 3"], path: Path) -> None:
    try:
        writer.write_frame(frame)
    except OSError as error:
        raise SandlotError(f"can't write {path}: {str(error).strip().splitlines()[-1]}") from error


def _ffmpeg(*options: str) -> None:
    """Run the ffmpeg that moviepy uses."""
    from moviepy.config import FFMPEG_BINARY

    command = [FFMPEG_BINARY, "-y", "-loglevel", "error", *options]
    ran = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if ran.returncode:
        raise SandlotError(f"can't write {options[-1]}: {(ran.stderr.strip().splitlines() or ['ffmpeg failed'])[-1]}")


def _within(side: int) -> str:
    """Return ffmpeg's scale expression that limits both sides to `side`."""
    return f"'trunc(iw*min(1,{side}/max(iw,ih))/2)*2':'trunc(ih*min(1,{side}/max(iw,ih))/2)*2'"


def _even(frame: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "even_height even_width 3"]:
    height, width = frame.shape[0] % 2, frame.shape[1] % 2
    if height or width:
        frame = np.pad(frame, ((0, height), (0, width), (0, 0)), mode="edge")
    return frame
