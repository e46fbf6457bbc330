"""Reads films back."""

import re
import subprocess
from pathlib import Path

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe, read_frames


def probe(path):
    """Return what ffmpeg says of a video: size, whether it is yuv420p, rate, and the frames it decodes."""
    said = subprocess.run([get_ffmpeg_exe(), "-i", path, "-f", "null", "-"], capture_output=True, text=True).stderr
    stream = next(line for line in said.splitlines() if "Video: h264" in line)
    width, height = map(int, re.search(r", (\d+)x(\d+)", stream).groups())
    rate = float(re.search(r"([\d.]+) fps", stream).group(1))
    count = int(re.findall(r"frame=\s*(\d+)", said)[-1])
    return (width, height), "yuv420p" in stream, rate, count


def decode(path: Path):
    """Return the frames of a video."""
    reader = read_frames(str(path))
    width, height = next(reader)["size"]
    return np.stack([np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in reader])
