"""The record of a run: its folder, metrics, checkpoints, videos, and the W&B run that mirrors it."""

from .attached import is_wandb_run
from .checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from .common.errors import SandlotError, hint, nearest, require
from .common.figures import picture
from .common.files import json_object, write_json
from .common.options import options_from_json, with_options
from .common.seeds import derived_seed, seed_everything
from .common.signals import Stopped, StopSignals
from .curve import draw_curves
from .layout import IMAGES, TABLES, VIDEOS, checkpoint_name
from .metric_logger import MetricLogger
from .metrics import (
    ENV_STEP,
    RETURN,
    RETURN_HIGH,
    RETURN_LOW,
    STEP,
    TEST,
    TIMESTAMP,
    TRAIN,
    VALIDATION,
    read_metrics,
    step_of,
)
from .run import Run
from .tables import read_table, write_table
from .video import write_gif, write_video
from .wandb_options import WandbMode, WandbOptions
from .worker import send_to_worker, start_worker, stop_worker

__all__ = [
    "ENV_STEP",
    "IMAGES",
    "RETURN",
    "RETURN_HIGH",
    "RETURN_LOW",
    "STEP",
    "TABLES",
    "TEST",
    "TIMESTAMP",
    "TRAIN",
    "VALIDATION",
    "VIDEOS",
    "Checkpoint",
    "MetricLogger",
    "Run",
    "SandlotError",
    "StopSignals",
    "Stopped",
    "WandbMode",
    "WandbOptions",
    "checkpoint_name",
    "derived_seed",
    "draw_curves",
    "hint",
    "is_wandb_run",
    "json_object",
    "nearest",
    "options_from_json",
    "picture",
    "read_checkpoint",
    "read_metrics",
    "read_table",
    "require",
    "seed_everything",
    "send_to_worker",
    "start_worker",
    "step_of",
    "stop_worker",
    "with_options",
    "write_checkpoint",
    "write_gif",
    "write_json",
    "write_table",
    "write_video",
]
