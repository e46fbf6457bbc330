"""How to lay out the states of an environment as grids, for plots."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from gymnasium.envs.toy_text.cliffwalking import CliffWalkingEnv
from gymnasium.envs.toy_text.frozen_lake import FrozenLakeEnv
from gymnasium.envs.toy_text.taxi import TaxiEnv
from jaxtyping import Bool, Int

if TYPE_CHECKING:
    import gymnasium

NO_STATE = -1
MAX_COLUMNS = 25
MAX_GRIDS = 20
TAXI_STOPS = ("red", "green", "yellow", "blue")


class StateGrid(NamedTuple):
    """Some of the states in rows and columns; NO_STATE where a cell has none."""

    title: str
    states: Int[np.ndarray, "row column"]


class Layout(NamedTuple):
    """How to plot all states."""

    grids: list[StateGrid]
    grid_columns: int
    action_symbols: tuple[str, ...]
    labels: dict[tuple[int, int], str]
    """The text in a cell, by row and column."""
    terminal: Bool[np.ndarray, "row column"]
    """Where episodes end, so there is no action to take."""
    walls: list[tuple[int, int]]
    """Cells with a wall on their right, as (row, column)."""


def layout_of(env: "gymnasium.Env | None", sizes: Int[np.ndarray, "component"], num_actions: int) -> Layout:
    """Return the layout of the unwrapped environment `env`, or a plain one for states with components of `sizes`."""
    match env:
        case FrozenLakeEnv():
            labels = {index: cell.decode() for index, cell in np.ndenumerate(env.desc) if cell != b"F"}
            terminal = np.isin(env.desc, (b"H", b"G"))
            return _single_grid(env.desc.shape, ("←", "↓", "→", "↑"), labels, terminal)
        case CliffWalkingEnv():
            terminal = np.array(env._cliff)
            terminal[-1, -1] = True
            labels = {(3, 0): "S", (3, 11): "G", **{(3, column): "C" for column in range(1, 11)}}
            return _single_grid(env.shape, ("↑", "→", "↓", "←"), labels, terminal)
        case TaxiEnv():
            return _taxi(env)
        case _:
            return _plain(sizes, num_actions)


def _single_grid(
    shape: tuple[int, ...], symbols: tuple[str, ...], labels: dict[tuple[int, int], str], terminal: np.ndarray
) -> Layout:
    return Layout([StateGrid("", np.arange(np.prod(shape)).reshape(shape))], 1, symbols, labels, terminal, [])


def _taxi(env: TaxiEnv) -> Layout:
    states = np.arange(500).reshape(5, 5, 5, 4)
    places = [*(f"waits at {stop}" for stop in TAXI_STOPS), "rides"]
    grids = [
        StateGrid(f"{places[passenger]}, to {TAXI_STOPS[destination]}", states[:, :, passenger, destination])
        for destination in range(4)
        for passenger in range(5)
    ]
    labels = {place: stop[0].upper() for place, stop in zip(env.locs, TAXI_STOPS, strict=True)}
    walls = [(r, c) for r in range(5) for c in range(4) if env.desc[1 + r, 2 * c + 2] == b"|"]
    return Layout(grids, 5, ("↓", "↑", "→", "←", "P", "D"), labels, np.zeros((5, 5), bool), walls)


def _plain(sizes: Int[np.ndarray, "component"], num_actions: int) -> Layout:
    """Return a layout by the first two components of the state, with a grid for each value of the others.

    States of one component fill the rows of one grid.
    """
    count = int(np.prod(sizes))
    if len(sizes) == 1:
        columns = min(MAX_COLUMNS, count)
        states = np.full(-(-count // columns) * columns, NO_STATE)
        states[:count] = np.arange(count)
        grids = [StateGrid("", states.reshape(-1, columns))]
    else:
        by_rest = np.arange(count).reshape(*sizes[:2], -1)
        rest = list(np.ndindex(*sizes[2:]))[:MAX_GRIDS]
        grids = [StateGrid(", ".join(map(str, values)), by_rest[:, :, i]) for i, values in enumerate(rest)]
    shape = grids[0].states.shape
    symbols = tuple(map(str, range(num_actions)))
    return Layout(grids, min(len(grids), 5), symbols, {}, np.zeros(shape, bool), [])
