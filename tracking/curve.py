"""Learning curves as pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandlot.tracking.common.figures import picture

from .metrics import RETURN, RETURN_HIGH, RETURN_LOW, TRAIN, VALIDATION, step_of

Rows = Sequence[Mapping[str, Any]]


def draw_curves(path: Path, runs: Mapping[str, Rows], goals: Mapping[str, str] | None = None) -> bool:
    """Draw how each of `runs` went, row by row of its metrics, into the PNG file `path`: a panel for each goal.

    A run's goal is the metric by which it is judged, by default the return. Return False, and draw nothing,
    if there is none in any row yet.
    """
    panels: dict[str, dict[str, Rows]] = {}
    for name, rows in runs.items():
        goal = (goals or {}).get(name, RETURN)
        if any(goal in row for row in rows):
            panels.setdefault(goal, {})[name] = rows
    if not panels:
        return False
    with picture(path, 7, 4 * len(panels)) as figure:
        for place, (goal, shown) in enumerate(panels.items()):
            _draw_panel(figure.add_subplot(len(panels), 1, place + 1), goal, shown, len(runs) == 1)
    return True


def _draw_panel(axes: Any, goal: str, runs: Mapping[str, Rows], alone: bool) -> None:
    from matplotlib.ticker import EngFormatter

    for name, rows in runs.items():
        (line,) = axes.plot(*_points(rows, goal), linewidth=1.6, label=name if goal == RETURN or not alone else goal)
        if goal == RETURN:  # the mean of the episodes that ended since the last row, and their range
            steps, low = _points(rows, RETURN_LOW)
            axes.fill_between(
                steps, low, _points(rows, RETURN_HIGH)[1], color=line.get_color(), alpha=0.15, linewidth=0
            )
        twin = goal.replace(VALIDATION, TRAIN)
        if twin != goal and any(twin in row for row in rows):
            axes.plot(
                *_points(rows, twin), linewidth=1.0, linestyle="--", color=line.get_color(), alpha=0.6,
                label=twin if alone else None,
            )  # fmt: skip
    axes.set_xlabel("env steps" if goal == RETURN else "gradient steps")
    axes.set_ylabel("return" if goal == RETURN else goal)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if alone:
        axes.set_title(next(iter(runs)), fontsize=10)
    if not alone or goal != RETURN:
        axes.legend(frameon=False, fontsize=8)


def _points(rows: Rows, metric: str) -> tuple[list[int], list[float]]:
    rows = [row for row in rows if metric in row]
    return [step_of(row) for row in rows], [row[metric] for row in rows]
