"""Pictures of tables: how good each state is, and what the agent does there."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from .layouts import NOWHERE, Layout, Panel, layout_of
from .planning import greedy

CELL_INCHES = 0.55
MOST_INCHES = 16.0
LARGEST_WRITTEN = 3_000
"""Cells above which only colours are drawn."""
MOST_NUMBERS = 200
"""Cells above which values are not written."""
GOAL = "G"


def draw_table(
    path: Path,
    core: Any,
    action_value: Float[np.ndarray, "state action"],
    allowed: Bool[np.ndarray, "state action"] | None,
    sizes: np.ndarray,
    title: str,
) -> None:
    """Draw the values of the states as colours, and the best actions on them, into the PNG file `path`.

    `core` is the unwrapped environment, which tells where states lie, or anything else; then `sizes` do.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    layout = layout_of(core, sizes, action_value.shape[1])
    worth = action_value if allowed is None else np.where(allowed, action_value, -np.inf)
    value, policy = worth.max(1), greedy(worth)
    known = (action_value != action_value.flat[0]).any(1)
    rows, columns = layout.panels[0].states.shape
    across, down = layout.panel_columns, -(-len(layout.panels) // layout.panel_columns)
    cell = min(CELL_INCHES, MOST_INCHES / (columns * across), MOST_INCHES / (rows * down))
    size = (cell * columns * across + 1.6, (cell * rows + (0.3 if len(layout.panels) > 1 else 0.1)) * down + 0.5)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    shown = [panel.states[(panel.states != NOWHERE) & ~layout.over] for panel in layout.panels]
    drawn = np.concatenate(shown)
    drawn = drawn[known[drawn]] if known[drawn].any() else drawn
    low, high = float(value[drawn].min()), float(value[drawn].max())
    grid = figure.subplots(down, across, squeeze=False)
    span = (low, max(high, low + 1e-9))
    images = [
        _draw_panel(axes, panel, layout, value, policy, known, span, cell)
        for axes, panel in zip(grid.flat, layout.panels, strict=False)
    ]
    for axes in list(grid.flat)[len(layout.panels) :]:
        axes.set_axis_off()
    figure.colorbar(images[0], ax=grid, label="value of the best action", shrink=0.8)
    figure.suptitle(title, fontsize=10 if size[0] < 8 else 13)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.tmp.png")
    figure.savefig(temporary, dpi=120)
    temporary.replace(path)


def _draw_panel(
    axes: Any,
    panel: Panel,
    layout: Layout,
    value: np.ndarray,
    policy: np.ndarray,
    known: np.ndarray,
    span: tuple[float, float],
    cell: float,
) -> Any:
    """Draw one panel and return its image. States that were never learned of, and those at an end, stay grey."""
    states = panel.states
    alive = (states != NOWHERE) & ~layout.over & known[states]
    axes.set_facecolor("0.88")
    image = axes.imshow(np.ma.masked_where(~alive, value[states]), cmap="viridis", vmin=span[0], vmax=span[1])
    cells = states.size * len(layout.panels)
    for row, column in np.ndindex(states.shape) if cells <= LARGEST_WRITTEN else ():
        state, letter = states[row, column], layout.letters.get((row, column), "")
        dark = value[state] < 0.65 * span[1] + 0.35 * span[0]
        colour = "white" if dark else "black"
        if alive[row, column]:
            numbered = cells <= MOST_NUMBERS
            sign, lift = layout.actions[policy[state]], 0.12 if numbered else 0.0
            _write(axes, column, row - lift, sign, 30 * cell, colour)
            if numbered:
                _write(axes, column, row + 0.3, f"{value[state]:.3g}", 13 * cell, colour)
            _write(axes, column - 0.36, row - 0.36, letter, 13 * cell, colour, weight="bold")
        elif layout.over[row, column]:
            _write(axes, column, row, letter, 26 * cell, "tab:green" if letter == GOAL else "0.6", weight="bold")
        else:
            _write(axes, column - 0.36, row - 0.36, letter, 13 * cell, "0.4", weight="bold")
    if not alive.any():
        axes.text(0.5, 0.5, "not met", transform=axes.transAxes, ha="center", va="center", fontsize=10, color="0.5")
    if cells <= LARGEST_WRITTEN:
        axes.set_xticks(np.arange(1, states.shape[1]) - 0.5, [])
        axes.set_yticks(np.arange(1, states.shape[0]) - 0.5, [])
        axes.grid(color="white", linewidth=1)
    else:
        axes.set_xticks([])
        axes.set_yticks([])
    axes.tick_params(length=0)
    for row, column in layout.walls:
        axes.plot([column + 0.5] * 2, [row - 0.5, row + 0.5], color="black", linewidth=2.5, solid_capstyle="butt")
    axes.set_title(panel.title, fontsize=9)
    return image


def _write(axes: Any, x: float, y: float, text: str, size: float, colour: str, weight: str = "normal") -> None:
    axes.text(x, y, text, ha="center", va="center", fontsize=size, color=colour, fontweight=weight)
