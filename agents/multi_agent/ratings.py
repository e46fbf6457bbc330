"""Ratings from results.

Source: Elo, "The rating of chessplayers, past and present", 1978; the most likely ratings of all games together
are those of Bradley & Terry, "Rank analysis of incomplete block designs", 1952.
"""

import numpy as np
from jaxtyping import Float

SCALE = 400 / np.log(10)
"""Rating points for a factor of e in the odds of winning."""


def elo(points: Float[np.ndarray, "player player"], steps: int = 200) -> Float[np.ndarray, "player"]:
    """Return the ratings under which the results are likeliest; the first player's is 0.

    `points[i, j]` is what i won of j: 1 for a win, a half for a draw. Everyone is taken to have drawn one game
    more with the first, so that whoever has won or lost all has a rating too.
    """
    points = points.astype(float).copy()
    points[0, 1:] += 0.5
    points[1:, 0] += 0.5
    games, won = points + points.T, points.sum(1)
    strength = np.ones(len(points))
    for _ in range(steps):
        strength = won / (games / (strength[:, None] + strength)).sum(1)
        strength /= strength[0]
    return SCALE * np.log(strength)


def expected(difference: float) -> float:
    """Return the share of points that a rating higher by `difference` is expected to win."""
    return float(1 / (1 + np.exp(-difference / SCALE)))
