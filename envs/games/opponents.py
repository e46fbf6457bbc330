"""Scripted opponents."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from gymnasium import Space
from jaxtyping import Bool, Int, UInt64

from sandlot.envs.action_masks import MASK, REST
from sandlot.tracking import SandlotError

from .boards import ConnectFour, RowGame, TicTacToe


class ScriptedOpponent:
    """An opponent that draws uniformly among its best moves; this base class, among all legal moves."""

    def __init__(self, seed: int = 0):
        self.rng = np.random.default_rng(seed)

    def best_moves(self, observation: Any) -> Bool[np.ndarray, "batch action"]:
        """Return the moves to draw from: all legal ones."""
        return observation[MASK] != 0

    def select_action(
        self, observation: Any, memory: Any, episode_start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Any]:
        """Draw one of the best moves for each row, at random even if `deterministic`."""
        best = self.best_moves(observation)
        return np.where(best, self.rng.random(best.shape), -1.0).argmax(1), memory

    def select_actions(
        self, players: Int[np.ndarray, "row"], observation: Any, episode_start: Bool[np.ndarray, "row"], /
    ) -> np.ndarray:
        """Return a move for each row of `observation`; see `Opponent`."""
        return self.select_action(observation, None, episode_start, False)[0]


class RandomOpponent(ScriptedOpponent):
    """Draws any legal action of `space`."""

    def __init__(self, space: Space, seed: int = 0):
        super().__init__(seed)
        self.space = space
        space.seed(seed)

    def select_action(
        self, observation: Any, memory: Any, episode_start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Any]:
        if isinstance(observation, dict) and MASK in observation:
            return super().select_action(observation, memory, episode_start, deterministic)
        return np.stack([self.space.sample() for _ in episode_start]), memory


class TacticalOpponent(ScriptedOpponent):
    """Wins if one move can, else blocks a winning move of the other player, else makes any legal move."""

    def __init__(self, game: RowGame, seed: int = 0):
        super().__init__(seed)
        self.game = game

    def best_moves(self, observation: Any) -> Bool[np.ndarray, "batch action"]:
        legal = super().best_moves(observation)
        mine, theirs = bits_of(observation[REST], self.game)
        best = legal
        for pieces in (theirs, mine):  # winning moves come last and so take precedence
            moves = self._move_bits(mine | theirs)
            useful = legal & self.game.wins(pieces[:, None] | moves)
            best = np.where(useful.any(1, keepdims=True), useful, best)
        return best

    def _move_bits(self, taken: UInt64[np.ndarray, "batch"]) -> UInt64[np.ndarray, "batch action"]:
        """Return the bit that each move would set; an arbitrary one for illegal moves."""
        cells = [self.game.cell_of(taken, np.full(len(taken), action)) for action in range(self.game.actions)]
        return self.game.bits[np.stack(cells, 1)]


class PerfectOpponent(ScriptedOpponent):
    """Draws among the minimax-optimal moves, by search of the whole game; feasible for tic-tac-toe."""

    def __init__(self, game: RowGame, seed: int = 0):
        super().__init__(seed)
        self.game, self.value = game, game_values(game)

    def best_moves(self, observation: Any) -> Bool[np.ndarray, "batch action"]:
        mine, theirs = bits_of(observation[REST], self.game)
        legal = super().best_moves(observation)
        value = np.full(legal.shape, -2)
        for row, action in zip(*np.nonzero(legal), strict=True):
            after = int(mine[row]) | 1 << int(action)
            value[row, action] = -self.value(int(theirs[row]), after)
        return value == value.max(1, keepdims=True)


def game_values(game: RowGame) -> Callable[[int, int], int]:
    """Return a function from the pieces of the player to move and of the other to the minimax value: 1, 0 or -1."""
    lines, full = [int(line) for line in game.lines], int(game.full)

    @cache
    def value(mine: int, theirs: int) -> int:
        if any(theirs & line == line for line in lines):
            return -1
        free = full & ~(mine | theirs)
        if not free:
            return 0
        return max(-value(theirs, mine | 1 << cell) for cell in range(game.cells) if free >> cell & 1)

    return value


def bits_of(
    board: Int[np.ndarray, "batch row column 2"], game: RowGame
) -> tuple[UInt64[np.ndarray, "batch"], UInt64[np.ndarray, "batch"]]:
    """Return the bitboards of the player to move and of the other, from the former's observation."""
    flat = board.reshape(len(board), game.cells, 2).astype(np.uint64)
    pieces = (flat * game.bits[:, None]).sum(1, dtype=np.uint64)
    return pieces[:, 0], pieces[:, 1]


SCRIPTED_OPPONENTS: dict[str, Callable[[int], ScriptedOpponent]] = {
    "pettingzoo/tictactoe_v3": lambda seed: PerfectOpponent(TicTacToe(0), seed),
    "pettingzoo/connect_four_v3": lambda seed: TacticalOpponent(ConnectFour(0), seed),
}
"""The scripted opponent of a game by id: a perfect player, or one that wins or blocks in one move."""


def make_opponent(name: str, env: str, space: Space, seed: int = 0) -> ScriptedOpponent:
    """Return the opponent `name`: random, drawing from `space`, or scripted, for the game `env`."""
    if name == "random":
        return RandomOpponent(space, seed)
    if name == "scripted" and env in SCRIPTED_OPPONENTS:
        return SCRIPTED_OPPONENTS[env](seed)
    if name == "scripted":
        raise SandlotError(f"there is no scripted opponent for {env}; there is one for {', '.join(SCRIPTED_OPPONENTS)}")
    raise SandlotError(f"there is no opponent {name!r}; use random, scripted, self or a run's folder")
