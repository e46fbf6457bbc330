"""The plot of self-play: who beats whom, and the ratings over env steps."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sandlot.tracking import picture, write_json
from sandlot.tracking.common.figures import readable_on

from .matches import Score

Axes = Any
"""One of matplotlib's, which is imported when it is needed."""
INK, MUTED = "#1f2933", "#6b7785"


def draw_standings(
    path: Path, game: str, names: list[str], table: list[list[Score | None]], ratings: Mapping[int, float]
) -> None:
    """Plot the points that each of `names` won against each other into the PNG file `path`, beside the ratings.

    The numbers go into a JSON file of the same name.
    """
    share = np.array([[np.nan if score is None else score.share for score in row] for row in table])
    known = {step: rating for step, rating in ratings.items() if step >= 0}
    width = 0.62 * len(names) + 2.2
    height = 0.5 * len(names) + 1.9
    with picture(path, width + 4.6, height, svg=True) as figure:
        beats, rises = figure.subplots(1, 2, width_ratios=[width, 4.6])
        _draw_table(beats, names, table, share)
        _draw_ratings(rises, known)
        figure.suptitle(f"{game}: who beats whom", fontsize=11, color=INK)
    scores = {
        one: {other: score._asdict() for other, score in zip(names, row, strict=True) if score is not None}
        for one, row in zip(names, table, strict=True)
    }
    write_json(
        path.with_suffix(".json"), {"game": game, "scores": scores, "elo": {str(k): v for k, v in known.items()}}
    )


def _draw_table(axes: Axes, names: list[str], table: list[list[Score | None]], share: np.ndarray) -> None:
    shown = axes.imshow(share, cmap="PuOr_r", vmin=0, vmax=1, aspect="auto")
    for i, row in enumerate(table):
        for j, score in enumerate(row):
            if score is not None:
                ink = readable_on(shown.to_rgba(score.share))
                axes.text(j, i, f"{100 * score.share:.0f}", ha="center", va="center", fontsize=9, color=ink)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title("points of the row against the column, %", fontsize=9, color=MUTED)


def _draw_ratings(axes: Axes, ratings: Mapping[int, float]) -> None:
    axes.plot(list(ratings), list(ratings.values()), marker="o", markersize=3.5, color="#2563eb", linewidth=1.5)
    axes.axhline(0, color=MUTED, linewidth=0.8, linestyle=":")
    axes.set_xlabel("env steps", fontsize=8)
    axes.set_title("Elo of past selves (random player: 0)", fontsize=9, color=MUTED)
    axes.tick_params(labelsize=8)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.locator_params(axis="x", nbins=4)
    axes.spines[["top", "right"]].set_visible(False)
