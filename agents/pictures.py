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
    figure = Figure(figsize=(cell * columns * across + 1.6, (cell * rows + 0.25) * down + 0.6), layout="constrained")
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
    figure.suptitle(title, fontsize=10)
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
    colours = np.ma.masked_where(~alive, value[states])
    image = axes.imshow(colours, cmap="viridis", vmin=span[0], vmax=span[1])
    size = 22 * cell
    written = states.size * len(layout.panels) <= LARGEST_WRITTEN
    for row, column in np.ndindex(states.shape) if written else ():
        dark = value[states[row, column]] < 0.65 * span[1] + 0.35 * span[0]
        colour = "white" if alive[row, column] and dark else "black"
        if alive[row, column]:
            sign = layout.actions[policy[states[row, column]]]
            axes.text(column, row, sign, ha="center", va="center", fontsize=size, color=colour)
        letter = layout.letters.get((row, column))
        if letter is not None:
            axes.text(column - 0.45, row - 0.42, letter, ha="left", va="top", fontsize=0.55 * size, color=colour)
    for row, column in layout.walls:
        axes.plot([column + 0.5] * 2, [row - 0.5, row + 0.5], color="black", linewidth=2)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(panel.title, fontsize=7)
    return image
