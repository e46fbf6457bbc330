"""A learning rate range test.

Source: Smith, "Cyclical learning rates for training neural networks", 2017, section 3.3. The suggested rate is
fastai's: the one at which the loss falls most steeply, before it rises.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from sandlot.supervised.optimization.learner import NonFiniteError
from sandlot.supervised.optimization.random_state import seeded_rng
from sandlot.supervised.tasks.base import Task
from sandlot.tracking import TRAIN, SandlotError, picture

LOWEST, HIGHEST, STEPS = 1e-6, 1.0, 100
SMOOTHING, DIVERGED = 0.9, 4.0
LEAST = 10
"""Steps that a test needs before the loss diverges."""


class RangeTest(NamedTuple):
    """The smoothed losses at rising learning rates, and the suggested rate."""

    rates: list[float]
    losses: list[float]
    suggestion: float


def find_learning_rate(task: Task) -> RangeTest:
    """Take gradient steps at exponentially rising learning rates until the loss diverges.

    The task has to be rebuilt afterwards (`Task.rebuild`). Raises `SandlotError` for a task with several learners.
    """
    if len(task.learners) != 1:
        raise SandlotError(
            f"--find-learning-rate is for tasks with one network, and a {task.name} has {len(task.learners)}"
        )
    (learner,) = task.learners.values()
    loader = task.loader()
    rates, losses, mean = [], [], 0.0
    task.train(True)
    with task.thread_context(), seeded_rng(task.seed):
        for step, rate in enumerate(np.geomspace(LOWEST, HIGHEST, STEPS).tolist()):
            learner.learning_rate = rate
            try:
                task.train_step(loader.micro_batches(step, task.config.accumulate))
                loss = task.metrics()[f"{TRAIN}loss"]
            except NonFiniteError:
                break
            mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
            rates.append(rate)
            losses.append(mean / (1 - SMOOTHING ** (step + 1)))
            if step >= LEAST and losses[-1] > DIVERGED * min(losses):
                break
    return RangeTest(rates, losses, steepest_rate(rates, losses))


def steepest_rate(rates: list[float], losses: list[float]) -> float:
    """Return the rate at which the loss falls fastest over the log of the rate, before its minimum."""
    if len(rates) < LEAST:
        raise SandlotError(f"the loss diverged at once, at a learning rate of {rates[-1] if rates else LOWEST:.1e}")
    lowest = max(int(np.argmin(losses)), 2)
    slopes = np.gradient(np.array(losses[: lowest + 1]), np.log(rates[: lowest + 1]))
    return rates[int(np.argmin(slopes))]


def plot_range_test(path: Path, test: RangeTest) -> None:
    """Plot the loss over the learning rate, with the suggested rate."""
    with picture(path, 6, 3.6) as figure:
        axes = figure.add_subplot()
        axes.plot(test.rates, test.losses, linewidth=1.6)
        axes.axvline(test.suggestion, color="tab:red", linewidth=1, linestyle="--", label=f"{test.suggestion:.1e}")
        axes.set(xscale="log", xlabel="learning rate", ylabel="smoothed loss")
        axes.set_ylim(min(test.losses) * 0.95, 2 * test.losses[0])
        axes.legend(frameon=False)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
