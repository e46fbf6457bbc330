"""Where the states of an environment lie on paper."""

from typing import Any, NamedTuple

import numpy as np
from gymnasium.envs.toy_text.cliffwalking import CliffWalkingEnv
from gymnasium.envs.toy_text.frozen_lake import FrozenLakeEnv
from gymnasium.envs.toy_text.taxi import TaxiEnv
from jaxtyping import Bool, Int

NOWHERE = -1
COLUMNS = 25
MOST_PANELS = 20
TAXI_STOPS = ("red", "green", "yellow", "blue")


class Panel(NamedTuple):
    """A part of the states, as rows and columns; NOWHERE where there is none."""

    title: str
    states: Int[np.ndarray, "row column"]


class Layout(NamedTuple):
    """How to draw all states."""

    panels: list[Panel]
    panel_columns: int
    actions: tuple[str, ...]
    """What stands for each action."""
    letters: dict[tuple[int, int], str]
    """What is written at a row and column."""
    over: Bool[np.ndarray, "row column"]
    """Where an episode is over, so there is nothing to do."""
    walls: list[tuple[int, int]]
    """Cells with a wall on their right."""


def layout_of(core: Any, sizes: Int[np.ndarray, "part"], num_actions: int) -> Layout:
    """Return the layout of the unwrapped environment `core`, or one for states of parts of these `sizes`."""
    match core:
        case FrozenLakeEnv():
            letters = {index: cell.decode() for index, cell in np.ndenumerate(core.desc) if cell != b"F"}
            over = np.isin(core.desc, (b"H", b"G"))
            return _grid(core.desc.shape, ("←", "↓", "→", "↑"), letters, over)
        case CliffWalkingEnv():
            over = np.array(core._cliff)
            over[-1, -1] = True
            letters = {(3, 0): "S", (3, 11): "G", **{(3, column): "C" for column in range(1, 11)}}
            return _grid(core.shape, ("↑", "→", "↓", "←"), letters, over)
        case TaxiEnv():
            return _taxi(core)
        case _:
            return _plain(sizes, num_actions)


def _grid(shape: Any, actions: tuple[str, ...], letters: dict[tuple[int, int], str], over: np.ndarray) -> Layout:
    return Layout([Panel("", np.arange(np.prod(shape)).reshape(shape))], 1, actions, letters, over, [])


def _taxi(core: Any) -> Layout:
    states = np.arange(500).reshape(5, 5, 5, 4)
    where = [*(f"waits at {stop}" for stop in TAXI_STOPS), "rides"]
    panels = [
        Panel(f"{where[passenger]}, to {TAXI_STOPS[goal]}", states[:, :, passenger, goal])
        for goal in range(4)
        for passenger in range(5)
    ]
    letters = {place: stop[0].upper() for place, stop in zip(core.locs, TAXI_STOPS, strict=True)}
    walls = [(r, c) for r in range(5) for c in range(4) if core.desc[1 + r, 2 * c + 2] == b"|"]
    return Layout(panels, 5, ("↓", "↑", "→", "←", "P", "D"), letters, np.zeros((5, 5), bool), walls)


def _plain(sizes: Int[np.ndarray, "part"], num_actions: int) -> Layout:
    """Return a layout by the first two parts of the state, a panel for each of the rest; in lines if there is one."""
    count = int(np.prod(sizes))
    if len(sizes) == 1:
        columns = min(COLUMNS, count)
        states = np.full(-(-count // columns) * columns, NOWHERE)
        states[:count] = np.arange(count)
        panels = [Panel("", states.reshape(-1, columns))]
    else:
        grid = np.arange(count).reshape(*sizes[:2], -1)
        rest = list(np.ndindex(*sizes[2:]))[:MOST_PANELS]
        panels = [
            Panel(", ".join(map(str, parts)) if parts else "", grid[:, :, index]) for index, parts in enumerate(rest)
        ]
    shape = panels[0].states.shape
    actions = tuple(map(str, range(num_actions)))
    return Layout(panels, min(len(panels), 5), actions, {}, np.zeros(shape, bool), [])
