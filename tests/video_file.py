"""Reads films back."""

import re
import subprocess
from pathlib import Path

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe


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
    (width, height), *_ = probe(path)
    command = [get_ffmpeg_exe(), "-loglevel", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)
