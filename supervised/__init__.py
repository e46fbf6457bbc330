"""The core that everything learns with: networks and the gradient step."""

from .learner import Learner, LearnerConfig, NonFiniteError, Schedule, one_thread, scheduled
from .polyak import SlowCopy

__all__ = ["Learner", "LearnerConfig", "NonFiniteError", "Schedule", "SlowCopy", "one_thread", "scheduled"]
