"""How coefficients change over a run."""

import math
from typing import Literal

Schedule = Literal["constant", "linear", "cosine"]
LearningRateSchedule = Literal["constant", "linear", "cosine", "one-cycle", "step"]

WARM_UP = 0.3
"""Share of a cycle in which the learning rate rises."""
START, END = 25.0, 1e4
"""How many times smaller than its peak the learning rate of a cycle starts, and than that start it ends."""
DROPS = (0.5, 0.75)
"""When a stepped learning rate is divided by ten."""


def scheduled(initial: float, schedule: LearningRateSchedule, progress: float) -> float:
    """Return a coefficient's value after the fraction `progress` of a run.

    `initial` is its value at the start, for "one-cycle" its peak.

    Source of the cycle: Smith and Topin, "Super-convergence", 2018, with the cosines and numbers of torch's
    OneCycleLR; of the drops: He et al., "Deep residual learning for image recognition", 2016, section 4.2.
    """
    match schedule:
        case "linear":
            return initial * (1 - progress)
        case "cosine":
            return _cosine(initial, 0.0, progress)
        case "one-cycle" if progress < WARM_UP:
            return _cosine(initial / START, initial, progress / WARM_UP)
        case "one-cycle":
            return _cosine(initial, initial / START / END, (progress - WARM_UP) / (1 - WARM_UP))
        case "step":
            return initial * 0.1 ** sum(progress >= drop for drop in DROPS)
        case _:
            return initial


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * progress))
