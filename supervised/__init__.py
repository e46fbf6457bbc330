"""Networks, the gradient step, the fit loop, and the tasks that are fitted to data."""

from typing import TYPE_CHECKING

from sandlot.tracking.common.lazy import importing

if TYPE_CHECKING:
    from .fitting.config import FitConfig
    from .fitting.fit import fit
    from .optimization.config import LearnerConfig
    from .optimization.device import one_thread
    from .optimization.learner import Learner, NonFiniteError
    from .optimization.schedules import Schedule, scheduled
    from .optimization.target_network import TargetNetwork
    from .tasks.base import Task
    from .tasks.classifier import Classifier, ClassifierConfig
    from .tasks.forecaster import Forecaster, ForecasterConfig
    from .tasks.language_model import LanguageModel, LanguageModelConfig
    from .tasks.regressor import Regressor, RegressorConfig

TASKS = {
    "classifier": ("Classifier", "classification of images, texts or table rows"),
    "regressor": ("Regressor", "regression from images, texts or table rows"),
    "forecaster": ("Forecaster", "time-series forecasting"),
    "language-model": ("LanguageModel", "autoregressive language model over characters or byte pairs"),
}
"""For each task's command-line name: its class, which `tasks/NAME.py` defines with its config, and what it is."""
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
"""The command-line names of scikit-learn's models."""

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
    "fit",
    "one_thread",
    "scheduled",
]

_MODULES = {
    **{f"tasks.{task.replace('-', '_')}": (name, f"{name}Config") for task, (name, _) in TASKS.items()},
    "fitting.config": ("FitConfig",),
    "fitting.fit": ("fit",),
    "optimization.config": ("LearnerConfig",),
    "optimization.device": ("one_thread",),
    "optimization.learner": ("Learner", "NonFiniteError"),
    "optimization.target_network": ("TargetNetwork",),
    "optimization.schedules": ("Schedule", "scheduled"),
    "tasks.base": ("Task",),
}
"""The public names of each module; those of a task follow from its line in `TASKS`."""

__getattr__ = importing(__name__, {name: module for module, names in _MODULES.items() for name in names})
