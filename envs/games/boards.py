"""Games of n in a row: thousands of boards at once, each stored in two integers.

Observations, legal moves, rewards and ends are those of PettingZoo's `tictactoe_v3` and `connect_four_v3`.
"""

from collections.abc import Iterator

import numpy as np
from gymnasium import spaces
from jaxtyping import Bool, Int, Int8, UInt64

from sandlot.envs.action_masks import MASK, REST

from .base import Games, Rows


class RowGame(Games):
    """Two players take turns to place a piece on a board of `rows` × `columns`; `length` in a row win.

    A board is a bitboard for each player, with a bit for each cell, row by row from the top.
    """

    rows: int
    columns: int
    length: int

    def __init__(self, num_games: int):
        super().__init__(num_games, 2)
        self.cells = self.rows * self.columns
        self.pieces = np.zeros((num_games, 2), np.uint64)
        self.full = np.uint64((1 << self.cells) - 1)
        self.lines = np.array(list(self._lines()), np.uint64)
        self.bits = np.uint64(1) << np.arange(self.cells, dtype=np.uint64)
        shown = spaces.Box(0, 1, (self.rows, self.columns, 2), np.int8)
        self.action_space = spaces.Discrete(self.actions)
        self.observation_space = spaces.Dict({MASK: spaces.Box(0, 1, (self.actions,), np.int8), REST: shown})

    @property
    def actions(self) -> int:
        """Number of actions."""
        return self.cells

    def allowed(self, taken: UInt64[np.ndarray, "row"]) -> Bool[np.ndarray, "row action"]:
        """Return the legal moves on boards whose cells `taken` are occupied."""
        return (taken[:, None] & self.bits) == 0

    def cell_of(self, taken: UInt64[np.ndarray, "row"], action: Int[np.ndarray, "row"]) -> Int[np.ndarray, "row"]:
        """Return the cell that a move places its piece in."""
        return action

    def wins(self, pieces: UInt64[np.ndarray, "*shape"]) -> Bool[np.ndarray, "*shape"]:
        """Return whether `pieces` hold a winning line."""
        return ((pieces[..., None] & self.lines) == self.lines).any(-1)

    def play(self, games: Rows, action: np.ndarray) -> None:
        player, taken = self.turn[games], np.bitwise_or.reduce(self.pieces[games], axis=1)
        if not self.allowed(taken)[np.arange(len(games)), action].all():
            raise ValueError("illegal move: the cell is occupied")
        mine = self.pieces[games, player] | self.bits[self.cell_of(taken, action)]
        self.pieces[games, player] = mine
        won = self.wins(mine)
        over = won | (np.bitwise_or.reduce(self.pieces[games], axis=1) == self.full)
        self.score[games[won], player[won]] += 1.0
        self.score[games[won], 1 - player[won]] -= 1.0
        self.terminated[games[over]] = True
        self.turn[games] = 1 - player

    def observe(self, games: Rows, players: Rows) -> dict[str, Int8[np.ndarray, "row ..."]]:
        both = self.pieces[games]
        order = np.stack([players, 1 - players], 1)
        own_first = np.take_along_axis(both, order, 1)
        shown = ((own_first[:, None] & self.bits[:, None]) != 0).astype(np.int8)
        to_move = (self.turn[games] == players) & ~self.terminated[games, 0]
        mask = (self.allowed(both[:, 0] | both[:, 1]) & to_move[:, None]).astype(np.int8)
        return {MASK: mask, REST: shown.reshape(-1, self.rows, self.columns, 2)}

    def _restart(self, games: Rows, seed: int | None) -> None:
        self.pieces[games] = 0

    def _lines(self) -> Iterator[int]:
        """Yield the bits of each winning line."""
        for row in range(self.rows):
            for column in range(self.columns):
                for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
                    end_row, end_column = row + down * (self.length - 1), column + right * (self.length - 1)
                    if end_row < self.rows and 0 <= end_column < self.columns:
                        steps = range(self.length)
                        yield sum(1 << (row + down * k) * self.columns + column + right * k for k in steps)


class TicTacToe(RowGame):
    """Three in a row, anywhere on 3 × 3."""

    rows, columns, length, fps = 3, 3, 3, 1.0


class ConnectFour(RowGame):
    """Four in a row on 6 × 7, where a piece falls to the lowest free cell of its column."""

    rows, columns, length = 6, 7, 4

    @property
    def actions(self) -> int:
        return self.columns

    def allowed(self, taken: UInt64[np.ndarray, "row"]) -> Bool[np.ndarray, "row action"]:
        return (taken[:, None] & self.bits[: self.columns]) == 0

    def cell_of(self, taken: UInt64[np.ndarray, "row"], action: Int[np.ndarray, "row"]) -> Int[np.ndarray, "row"]:
        column = action[:, None] + np.arange(self.rows) * self.columns
        height = ((taken[:, None] & self.bits[column]) != 0).sum(1)
        return (self.rows - 1 - height) * self.columns + action
