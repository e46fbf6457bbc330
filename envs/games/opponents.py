"""Opponents that follow a rule."""

from collections.abc import Callable
from functools import cache
from typing import Any, Protocol, runtime_checkable

import numpy as np
from gymnasium import Space
from jaxtyping import Bool, Int, UInt64

from sandlot.envs.action_masks import MASK, REST
from sandlot.tracking import SandlotError

from .boards import ConnectFour, RowGame, TicTacToe


@runtime_checkable
class OpponentPolicy(Protocol):
    """Whoever chooses moves. Every agent does."""

    def select_action(
        self, observation: Any, memory: Any, episode_start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Any]:
        """Return an action for each row of `observation`, and the memory to pass with the next."""
        ...


@runtime_checkable
class Opponent(Protocol):
    """Whoever sits in the other seats of several games."""

    def reply(
        self, slots: Int[np.ndarray, "row"], observation: Any, episode_start: Bool[np.ndarray, "row"]
    ) -> np.ndarray:
        """Return a move for each row of `observation`.

        `slots` tell the rows apart: the game times the number of seats, plus the seat. `episode_start` marks the first
        move of a seat in a game.
        """
        ...


class ScriptedOpponent:
    """A rival whose choices among equals are drawn from a generator of its own."""

    def __init__(self, seed: int = 0):
        self.rng = np.random.default_rng(seed)

    def good(self, observation: Any) -> Bool[np.ndarray, "batch action"]:
        """Return the moves to draw from: all that are legal."""
        return observation[MASK] != 0

    def select_action(
        self, observation: Any, memory: Any, episode_start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Any]:
        """Draw one of the good moves for each row; it draws lots even if asked to be `deterministic`."""
        good = self.good(observation)
        return np.where(good, self.rng.random(good.shape), -1.0).argmax(1), memory

    def reply(
        self, slots: Int[np.ndarray, "row"], observation: Any, episode_start: Bool[np.ndarray, "row"]
    ) -> np.ndarray:
        """Return a move for each row."""
        return self.select_action(observation, None, episode_start, False)[0]


class RandomOpponent(ScriptedOpponent):
    """Any legal action of `space`."""

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
    """Win if one move does, else block a move that would win for the other, else any legal move."""

    def __init__(self, game: RowGame, seed: int = 0):
        super().__init__(seed)
        self.game = game

    def good(self, observation: Any) -> Bool[np.ndarray, "batch action"]:
        legal = super().good(observation)
        mine, theirs = bits_of(observation[REST], self.game)
        good = legal
        for pieces in (theirs, mine):  # what wins comes last, and so first
            lands = self._landings(mine | theirs)
            useful = legal & self.game.wins(pieces[:, None] | lands)
            good = np.where(useful.any(1, keepdims=True), useful, good)
        return good

    def _landings(self, taken: UInt64[np.ndarray, "batch"]) -> UInt64[np.ndarray, "batch action"]:
        """Return the bit in which each move would come to lie; any bit for moves that aren't legal."""
        cells = [self.game.cell_of(taken, np.full(len(taken), action)) for action in range(self.game.actions)]
        return self.game.bits[np.stack(cells, 1)]


class PerfectOpponent(ScriptedOpponent):
    """Any of the moves that game theory can't improve on, by search of the whole game (so: tic-tac-toe)."""

    def __init__(self, game: RowGame, seed: int = 0):
        super().__init__(seed)
        self.game, self.worth = game, game_values(game)

    def good(self, observation: Any) -> Bool[np.ndarray, "batch action"]:
        mine, theirs = bits_of(observation[REST], self.game)
        legal = super().good(observation)
        worth = np.full(legal.shape, -2)
        for row, action in zip(*np.nonzero(legal), strict=True):
            after = int(mine[row]) | 1 << int(action)
            worth[row, action] = -self.worth(int(theirs[row]), after)
        return worth == worth.max(1, keepdims=True)


def game_values(game: RowGame) -> Callable[[int, int], int]:
    """Return the function from the pieces of the player on turn and of the other to 1 (won), 0 or -1."""
    lines, full = [int(line) for line in game.lines], int(game.full)

    @cache
    def worth(mine: int, theirs: int) -> int:
        if any(theirs & line == line for line in lines):
            return -1
        free = full & ~(mine | theirs)
        if not free:
            return 0
        return max(-worth(theirs, mine | 1 << cell) for cell in range(game.cells) if free >> cell & 1)

    return worth


def bits_of(
    shown: Int[np.ndarray, "batch row column 2"], game: RowGame
) -> tuple[UInt64[np.ndarray, "batch"], UInt64[np.ndarray, "batch"]]:
    """Return the pieces of the player on turn and of the other, from what it sees."""
    flat = shown.reshape(len(shown), game.cells, 2).astype(np.uint64)
    pieces = (flat * game.bits[:, None]).sum(1, dtype=np.uint64)
    return pieces[:, 0], pieces[:, 1]


SCRIPTED_OPPONENTS: dict[str, Callable[[int], ScriptedOpponent]] = {
    "pettingzoo/tictactoe_v3": lambda seed: PerfectOpponent(TicTacToe(0), seed),
    "pettingzoo/connect_four_v3": lambda seed: TacticalOpponent(ConnectFour(0), seed),
}
"""By id, the scripted opponent of a game: a perfect player, or one that takes a win and blocks a loss."""


def rule(name: str, env: str, space: Space, seed: int = 0) -> ScriptedOpponent:
    """Return the opponent called `name`: random among the actions of `space`, or the scripted one of the game `env`."""
    if name == "random":
        return RandomOpponent(space, seed)
    if name == "scripted" and env in SCRIPTED_OPPONENTS:
        return SCRIPTED_OPPONENTS[env](seed)
    if name == "scripted":
        raise SandlotError(f"there is no scripted opponent for {env}; there are for {', '.join(SCRIPTED_OPPONENTS)}")
    raise SandlotError(f"there is no opponent {name!r}; there are random, scripted, self, and the folders of runs")
