"""The gradient step: learner, optimizers, schedules, target networks."""
