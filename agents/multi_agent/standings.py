"""Who beats whom, and how the ratings rose: a picture and its figures."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sandlot.tracking import write_json

from .matches import Score

INK, MUTED = "#1f2933", "#6b7785"


def draw_standings(
    path: Path, game: str, names: list[str], table: list[list[Score | None]], ratings: Mapping[int, float]
) -> None:
    """Draw the points that each of `names` won of each into the PNG file `path`, beside the ratings by env step.

    The figures go into a JSON file of the same name.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    share = np.array([[np.nan if score is None else score.share for score in row] for row in table])
    width = 0.62 * len(names) + 2.2
    figure = Figure(figsize=(width + 4.6, 0.5 * len(names) + 1.9), layout="constrained")
    FigureCanvasAgg(figure)
    beats, rises = figure.subplots(1, 2, width_ratios=[width, 4.6])
    beats.imshow(share, cmap="RdYlGn", vmin=0, vmax=1, aspect="auto")
    for i, row in enumerate(table):
        for j, score in enumerate(row):
            if score is not None:
                beats.text(j, i, f"{100 * score.share:.0f}", ha="center", va="center", fontsize=9, color=INK)
    beats.set_xticks(range(len(names)), names, rotation=45, ha="right", fontsize=8)
    beats.set_yticks(range(len(names)), names, fontsize=8)
    beats.tick_params(length=0)
    beats.spines[:].set_visible(False)
    beats.set_title("points of the row against the column, %", fontsize=9, color=MUTED)
    known = {step: rating for step, rating in ratings.items() if step >= 0}
    rises.plot(list(known), list(known.values()), marker="o", markersize=3.5, color="#2563eb", linewidth=1.5)
    rises.axhline(0, color=MUTED, linewidth=0.8, linestyle=":")
    rises.set_xlabel("env steps", fontsize=8)
    rises.set_title("Elo of past selves (random player: 0)", fontsize=9, color=MUTED)
    rises.tick_params(labelsize=8)
    rises.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    rises.locator_params(axis="x", nbins=4)
    rises.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"{game}: who beats whom", fontsize=11, color=INK)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.tmp.png")
    figure.savefig(temporary, dpi=120)
    temporary.replace(path)
    scores = {
        one: {other: score._asdict() for other, score in zip(names, row, strict=True) if score is not None}
        for one, row in zip(names, table, strict=True)
    }
    write_json(
        path.with_suffix(".json"), {"game": game, "scores": scores, "elo": {str(k): v for k, v in known.items()}}
    )
