"""95 % confidence intervals."""

import math

import numpy as np
from jaxtyping import Float

Interval = tuple[float, float]
DRAWS = 2_000
NORMAL = 1.96
"""z-score of a two-sided 95 % interval."""


def mean_interval(values: Float[np.ndarray, "row"]) -> Interval:
    """Return the bootstrap interval of the mean of `values`."""
    rng = np.random.default_rng(0)
    means = [rng.choice(values, len(values)).mean() for _ in range(DRAWS)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def share_interval(share: float, rows: int) -> Interval:
    """Return the Wilson interval of a proportion of `rows`, which has a width at 0 and 1, too.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    z = NORMAL**2 / rows
    middle = (share + z / 2) / (1 + z)
    reach = NORMAL / (1 + z) * math.sqrt(share * (1 - share) / rows + z / (4 * rows))
    return max(middle - reach, 0.0), min(middle + reach, 1.0)
