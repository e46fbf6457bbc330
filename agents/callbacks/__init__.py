"""Callbacks: watch a training, add to its record, stop it."""

from typing import TYPE_CHECKING

from sandlot.tracking.common.lazy import importing

if TYPE_CHECKING:
    from .base import Callback as Callback
    from .base import CallbackList as CallbackList
    from .evaluation import EvaluationCallback as EvaluationCallback
    from .progress import ProgressBarCallback as ProgressBarCallback
    from .recording import CheckpointCallback as CheckpointCallback
    from .recording import MetricsCallback as MetricsCallback
    from .recording import PlotCallback as PlotCallback
    from .stopping import StopAtReturn as StopAtReturn
    from .stopping import StopWithoutImprovement as StopWithoutImprovement
    from .video import VideoCallback as VideoCallback

MODULES = {
    "Callback": "base",
    "CallbackList": "base",
    "CheckpointCallback": "recording",
    "EvaluationCallback": "evaluation",
    "MetricsCallback": "recording",
    "PlotCallback": "recording",
    "ProgressBarCallback": "progress",
    "StopAtReturn": "stopping",
    "StopWithoutImprovement": "stopping",
    "VideoCallback": "video",
}
"""For each public name, its module here."""

__getattr__ = importing(__name__, MODULES)
