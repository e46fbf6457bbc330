"""Learning curves as pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .metrics import RETURN, RETURN_HIGH, RETURN_LOW


def draw_curves(path: Path, runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> bool:
    """Draw the returns in the rows of each of `runs` over env steps into the PNG file `path`.

    The line is the mean return of the episodes that ended since the last row, the band their range.
    Return False, and draw nothing, if no episode has ended yet.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter

    figure = Figure(figsize=(7, 4), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    drawn = False
    for name, rows in runs.items():
        rows = [row for row in rows if RETURN in row]
        if not rows:
            continue
        steps = [row["env_step"] for row in rows]
        (line,) = axes.plot(steps, [row[RETURN] for row in rows], linewidth=1.6, label=name)
        low, high = ([row[key] for row in rows] for key in (RETURN_LOW, RETURN_HIGH))
        axes.fill_between(steps, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
        drawn = True
    if not drawn:
        return False
    axes.set_xlabel("env steps")
    axes.set_ylabel("return")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if len(runs) == 1:
        axes.set_title(next(iter(runs)), fontsize=10)
    else:
        axes.legend(frameon=False, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.tmp.png")
    figure.savefig(temporary)
    temporary.replace(path)
    return True
