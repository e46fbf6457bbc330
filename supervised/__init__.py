"""The core that everything learns with: networks, the gradient step, the fit loop, and tasks to fit."""

from typing import TYPE_CHECKING

from sandlot.tracking.common.lazy import importing

if TYPE_CHECKING:
    from .fitting.config import FitConfig
    from .optimization.config import LearnerConfig
    from .optimization.device import one_thread
    from .optimization.learner import Learner, NonFiniteError, TargetNetwork, frozen
    from .optimization.schedules import Schedule, scheduled
    from .tasks.base import Task
    from .tasks.classifier import Classifier, ClassifierConfig
    from .tasks.forecaster import Forecaster, ForecasterConfig
    from .tasks.language_model import LanguageModel, LanguageModelConfig
    from .tasks.regressor import Regressor, RegressorConfig

TASKS = {
    "classifier": ("Classifier", "tells classes of images, texts or rows of a table apart"),
    "regressor": ("Regressor", "predicts a number from images, texts or rows of a table"),
    "forecaster": ("Forecaster", "says how time series go on"),
    "language-model": ("LanguageModel", "says how a text goes on, by characters or byte pairs"),
}
"""For each task's name on the command line, its class and what it does."""
BASELINES = (
    "sklearn:logistic-regression",
    "sklearn:random-forest",
    "sklearn:svm",
    "sklearn:gradient-boosting",
    "sklearn:k-means",
    "sklearn:nearest-neighbours",
    "sklearn:linear-regression",
    "sklearn:random-forest-regressor",
    "sklearn:svm-regressor",
    "sklearn:gradient-boosting-regressor",
)
"""The names of scikit-learn's learners on the command line."""

_HOMES = {
    "Classifier": "tasks.classifier",
    "ClassifierConfig": "tasks.classifier",
    "Regressor": "tasks.regressor",
    "RegressorConfig": "tasks.regressor",
    "Forecaster": "tasks.forecaster",
    "ForecasterConfig": "tasks.forecaster",
    "LanguageModel": "tasks.language_model",
    "LanguageModelConfig": "tasks.language_model",
    "FitConfig": "fitting.config",
    "frozen": "optimization.learner",
    "Learner": "optimization.learner",
    "LearnerConfig": "optimization.config",
    "NonFiniteError": "optimization.learner",
    "one_thread": "optimization.device",
    "Schedule": "optimization.schedules",
    "scheduled": "optimization.schedules",
    "TargetNetwork": "optimization.learner",
    "Task": "tasks.base",
}

__all__ = [
    "BASELINES",
    "TASKS",
    "Classifier",
    "ClassifierConfig",
    "FitConfig",
    "Forecaster",
    "ForecasterConfig",
    "LanguageModel",
    "LanguageModelConfig",
    "Learner",
    "LearnerConfig",
    "NonFiniteError",
    "Regressor",
    "RegressorConfig",
    "Schedule",
    "TargetNetwork",
    "Task",
    "frozen",
    "one_thread",
    "scheduled",
]

__getattr__ = importing(__name__, _HOMES)
