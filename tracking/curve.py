"""Plot learning curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandlot.tracking.common.figures import picture

from .metrics import RETURN, RETURN_HIGH, RETURN_LOW, TRAIN, VALIDATION, step_of

Rows = Sequence[Mapping[str, Any]]


def draw_curves(path: Path, runs: Mapping[str, Rows], monitors: Mapping[str, str] | None = None) -> bool:
    """Plot the learning curves of `runs` to the PNG file `path`, a panel per monitored metric.

    A run is compared by its monitored metric, by default the return. Return False, and draw nothing,
    if there is none in any row yet.
    """
    panels: dict[str, dict[str, Rows]] = {}
    for name, rows in runs.items():
        monitor = (monitors or {}).get(name, RETURN)
        if any(monitor in row for row in rows):
            panels.setdefault(monitor, {})[name] = rows
    if not panels:
        return False
    with picture(path, 7, 4 * len(panels)) as figure:
        for place, (monitor, shown) in enumerate(panels.items()):
            _draw_panel(figure.add_subplot(len(panels), 1, place + 1), monitor, shown, len(runs) == 1)
    return True


def _draw_panel(axes: Any, monitor: str, runs: Mapping[str, Rows], alone: bool) -> None:
    from matplotlib.ticker import EngFormatter

    for name, rows in runs.items():
        (line,) = axes.plot(
            *_points(rows, monitor), linewidth=1.6, label=name if monitor == RETURN or not alone else monitor
        )
        if monitor == RETURN:  # the mean of the episodes that ended since the last row, and their range
            steps, low = _points(rows, RETURN_LOW)
            axes.fill_between(
                steps, low, _points(rows, RETURN_HIGH)[1], color=line.get_color(), alpha=0.15, linewidth=0
            )
        twin = monitor.replace(VALIDATION, TRAIN)
        if twin != monitor and any(twin in row for row in rows):
            axes.plot(
                *_points(rows, twin), linewidth=1.0, linestyle="--", color=line.get_color(), alpha=0.6,
                label=twin if alone else None,
            )  # fmt: skip
    axes.set_xlabel("env steps" if monitor == RETURN else "gradient steps")
    axes.set_ylabel("return" if monitor == RETURN else monitor)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if alone:
        axes.set_title(next(iter(runs)), fontsize=10)
    if not alone or monitor != RETURN:
        axes.legend(frameon=False, fontsize=8)


def _points(rows: Rows, metric: str) -> tuple[list[int], list[float]]:
    rows = [row for row in rows if metric in row]
    return [step_of(row) for row in rows], [row[metric] for row in rows]
