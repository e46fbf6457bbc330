"""The core that everything learns with: networks and the gradient step."""

from .learner import Learner, LearnerConfig, NonFiniteError, Schedule, one_thread, scheduled

__all__ = ["Learner", "LearnerConfig", "NonFiniteError", "Schedule", "one_thread", "scheduled"]
