"""The record of a run: its folder, metrics, checkpoints, videos, and the W&B run that mirrors it."""

from .checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from .curve import draw_curves
from .errors import SandlotError, require
from .files import json_object, write_json
from .helper import start_helper, stop_helper, tell_helper
from .layout import IMAGES, VIDEOS, step_name
from .metrics import RETURN, RETURN_HIGH, RETURN_LOW, read_metrics
from .run import Run, WandbMode
from .video import write_gif, write_video

__all__ = [
    "IMAGES",
    "RETURN",
    "RETURN_HIGH",
    "RETURN_LOW",
    "VIDEOS",
    "Checkpoint",
    "Run",
    "SandlotError",
    "WandbMode",
    "draw_curves",
    "json_object",
    "read_checkpoint",
    "read_metrics",
    "require",
    "start_helper",
    "step_name",
    "stop_helper",
    "tell_helper",
    "write_checkpoint",
    "write_gif",
    "write_json",
    "write_video",
]
