"""Plots of tables: the value of each state, and the greedy action there."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from .layouts import NO_STATE, Layout, StateGrid, layout_of
from .planning import greedy

if TYPE_CHECKING:
    import gymnasium
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

CELL_INCHES = 0.55
MAX_INCHES = 16.0
MAX_ANNOTATED_CELLS = 3_000
"""Cells above which only colours are drawn."""
MAX_NUMBERED_CELLS = 200
"""Cells above which values are not written."""
GOAL = "G"


class TableView(NamedTuple):
    """What is plotted of a table, and how."""

    value: Float[np.ndarray, "state"]
    policy: Int[np.ndarray, "state"]
    visited: Bool[np.ndarray, "state"]
    colour_range: tuple[float, float]
    cell_inches: float


def plot_table(
    path: Path,
    env: "gymnasium.Env | None",
    q_values: Float[np.ndarray, "state action"],
    action_mask: Bool[np.ndarray, "state action"] | None,
    sizes: Int[np.ndarray, "component"],
    title: str,
) -> None:
    """Plot state values as colours, with the greedy actions on them, into the PNG file `path`.

    `env` is the unwrapped environment, whose states may have a layout of their own; else their `sizes` give one.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    layout = layout_of(env, sizes, q_values.shape[1])
    allowed = q_values if action_mask is None else np.where(action_mask, q_values, -np.inf)
    value, policy = allowed.max(1), greedy(allowed)
    visited = (q_values != q_values.flat[0]).any(1)
    rows, columns = layout.grids[0].states.shape
    across, down = layout.grid_columns, -(-len(layout.grids) // layout.grid_columns)
    cell = min(CELL_INCHES, MAX_INCHES / (columns * across), MAX_INCHES / (rows * down))
    size = (cell * columns * across + 1.6, (cell * rows + (0.3 if len(layout.grids) > 1 else 0.1)) * down + 0.5)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    view = TableView(value, policy, visited, _colour_range(layout, value, visited), cell)
    subplots = figure.subplots(down, across, squeeze=False)
    images = [_plot_grid(axes, grid, layout, view) for axes, grid in zip(subplots.flat, layout.grids, strict=False)]
    for axes in list(subplots.flat)[len(layout.grids) :]:
        axes.set_axis_off()
    figure.colorbar(images[0], ax=subplots, label="value of the best action", shrink=0.8)
    figure.suptitle(title, fontsize=10 if size[0] < 8 else 13)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.tmp.png")
    figure.savefig(temporary, dpi=120)
    temporary.replace(path)


def _colour_range(layout: Layout, value: np.ndarray, visited: np.ndarray) -> tuple[float, float]:
    """Return the lowest and the highest value of the visited states, or of all if none was visited."""
    shown = np.concatenate([grid.states[(grid.states != NO_STATE) & ~layout.terminal] for grid in layout.grids])
    shown = shown[visited[shown]] if visited[shown].any() else shown
    low, high = float(value[shown].min()), float(value[shown].max())
    return low, max(high, low + 1e-9)


def _plot_grid(axes: "Axes", grid: StateGrid, layout: Layout, view: TableView) -> "AxesImage":
    """Plot one grid. States that were not visited, and terminal ones, stay grey."""
    states, cell, (low, high) = grid.states, view.cell_inches, view.colour_range
    coloured = (states != NO_STATE) & ~layout.terminal & view.visited[states]
    axes.set_facecolor("0.88")
    image = axes.imshow(np.ma.masked_where(~coloured, view.value[states]), cmap="viridis", vmin=low, vmax=high)
    num_cells = states.size * len(layout.grids)
    for row, column in np.ndindex(states.shape) if num_cells <= MAX_ANNOTATED_CELLS else ():
        label = layout.labels.get((row, column), "")
        if coloured[row, column]:
            _annotate_state(axes, row, column, int(states[row, column]), layout, view, num_cells <= MAX_NUMBERED_CELLS)
        elif layout.terminal[row, column]:
            _write(axes, column, row, label, 26 * cell, "tab:green" if label == GOAL else "0.6", weight="bold")
        else:
            _write(axes, column - 0.36, row - 0.36, label, 13 * cell, "0.4", weight="bold")
    if not coloured.any():
        axes.text(0.5, 0.5, "not visited", transform=axes.transAxes, ha="center", va="center", fontsize=10, color="0.5")
    if num_cells <= MAX_ANNOTATED_CELLS:
        axes.set_xticks(np.arange(1, states.shape[1]) - 0.5, [])
        axes.set_yticks(np.arange(1, states.shape[0]) - 0.5, [])
        axes.grid(color="white", linewidth=1)
    else:
        axes.set_xticks([])
        axes.set_yticks([])
    axes.tick_params(length=0)
    for row, column in layout.walls:
        axes.plot([column + 0.5] * 2, [row - 0.5, row + 0.5], color="black", linewidth=2.5, solid_capstyle="butt")
    axes.set_title(grid.title, fontsize=9)
    return image


def _annotate_state(
    axes: "Axes", row: int, column: int, state: int, layout: Layout, view: TableView, numbered: bool
) -> None:
    """Write the greedy action, the label and, if `numbered`, the value of a state into its cell."""
    cell, (low, high) = view.cell_inches, view.colour_range
    colour = "white" if view.value[state] < 0.65 * high + 0.35 * low else "black"
    lift = 0.12 if numbered else 0.0
    _write(axes, column, row - lift, layout.action_symbols[view.policy[state]], 30 * cell, colour)
    if numbered:
        _write(axes, column, row + 0.3, f"{view.value[state]:.3g}", 13 * cell, colour)
    label = layout.labels.get((row, column), "")
    _write(axes, column - 0.36, row - 0.36, label, 13 * cell, colour, weight="bold")


def _write(axes: "Axes", x: float, y: float, text: str, size: float, colour: str, weight: str = "normal") -> None:
    axes.text(x, y, text, ha="center", va="center", fontsize=size, color=colour, fontweight=weight)
