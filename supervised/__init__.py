"""The core that everything learns with: networks and the gradient step."""

from .learner import Learner, LearnerConfig, NonFiniteError, Schedule, one_thread, scheduled
from .polyak import SlowCopy, frozen

__all__ = ["Learner", "LearnerConfig", "NonFiniteError", "Schedule", "SlowCopy", "frozen", "one_thread", "scheduled"]
