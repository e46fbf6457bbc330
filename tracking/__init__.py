"""The record of a run: its folder, metrics, checkpoints, videos, and the W&B run that mirrors it."""

from .checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from .curve import draw_curves
from .errors import SandlotError, hint, nearest, require
from .files import json_object, write_json
from .helper import start_helper, stop_helper, tell_helper
from .journal import Journal
from .layout import IMAGES, TABLES, VIDEOS, step_name
from .metrics import (
    ENV_STEP,
    RETURN,
    RETURN_HIGH,
    RETURN_LOW,
    STEP,
    TEST,
    TRAIN,
    VALIDATION,
    read_metrics,
    step_of,
)
from .options import options_from_json, with_options
from .pictures import picture
from .run import Run, WandbMode
from .seeds import derived_seed, seed_everything
from .signals import Stopped, StopSignals
from .tables import read_table, write_table
from .video import write_gif, write_video

__all__ = [
    "ENV_STEP",
    "IMAGES",
    "RETURN",
    "RETURN_HIGH",
    "RETURN_LOW",
    "STEP",
    "TABLES",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "VIDEOS",
    "Checkpoint",
    "Journal",
    "Run",
    "SandlotError",
    "StopSignals",
    "Stopped",
    "WandbMode",
    "derived_seed",
    "draw_curves",
    "hint",
    "json_object",
    "nearest",
    "options_from_json",
    "picture",
    "read_checkpoint",
    "read_metrics",
    "read_table",
    "require",
    "seed_everything",
    "start_helper",
    "step_name",
    "step_of",
    "stop_helper",
    "tell_helper",
    "with_options",
    "write_checkpoint",
    "write_gif",
    "write_json",
    "write_table",
    "write_video",
]
