"""A learning rate from a short test.

Source: Smith, "Cyclical learning rates for training neural networks", 2017, section 3.3; the choice is that of
fastai: the rate at which the loss falls most steeply, before it rises.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from sandlot.supervised.optimization.learner import NonFiniteError
from sandlot.supervised.optimization.random_state import seeded_rng
from sandlot.supervised.tasks.base import Task
from sandlot.tracking import TRAIN, SandlotError, picture

LOWEST, HIGHEST, STEPS = 1e-6, 1.0, 100
SMOOTHING, BLOWN_UP = 0.9, 4.0
LEAST = 10
"""Steps that a test must last to say anything."""


class Finding(NamedTuple):
    """The losses at rising learning rates, and the rate to take."""

    rates: list[float]
    losses: list[float]
    best: float


def find_learning_rate(task: Task) -> Finding:
    """Take steps at a learning rate that rises from each to the next until the loss blows up.

    The task has to be built anew afterwards.
    """
    if len(task.learners) != 1:
        raise SandlotError(f"a learning rate can be found for one network, and a {task.name} has {len(task.learners)}")
    (learner,) = task.learners.values()
    loader = task.loader()
    rates, losses, mean = [], [], 0.0
    task.train(True)
    with task.thread_context(), seeded_rng(task.seed):
        for step, rate in enumerate(np.geomspace(LOWEST, HIGHEST, STEPS).tolist()):
            learner.learning_rate = rate
            try:
                task.train_step(loader.pieces(step, task.config.accumulate))
                loss = task.metrics()[f"{TRAIN}loss"]
            except NonFiniteError:
                break
            mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
            rates.append(rate)
            losses.append(mean / (1 - SMOOTHING ** (step + 1)))
            if step >= LEAST and losses[-1] > BLOWN_UP * min(losses):
                break
    return Finding(rates, losses, steepest(rates, losses))


def steepest(rates: list[float], losses: list[float]) -> float:
    """Return the rate at which the loss falls fastest over the logarithm of the rate, before its lowest point."""
    if len(rates) < LEAST:
        raise SandlotError(f"the loss blew up at once, at a learning rate of {rates[-1] if rates else LOWEST:.1e}")
    lowest = max(int(np.argmin(losses)), 2)
    slopes = np.gradient(np.array(losses[: lowest + 1]), np.log(rates[: lowest + 1]))
    return rates[int(np.argmin(slopes))]


def draw_finding(path: Path, finding: Finding) -> None:
    """Draw the loss over the learning rate, with the rate that is taken."""
    with picture(path, 6, 3.6) as figure:
        axes = figure.add_subplot()
        axes.plot(finding.rates, finding.losses, linewidth=1.6)
        axes.axvline(finding.best, color="tab:red", linewidth=1, linestyle="--", label=f"{finding.best:.1e}")
        axes.set(xscale="log", xlabel="learning rate", ylabel="loss, smoothed")
        axes.set_ylim(min(finding.losses) * 0.95, 2 * finding.losses[0])
        axes.legend(frameon=False)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
