"""The interface of turn-based games, several of which run in parallel."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from gymnasium import Space
from jaxtyping import Bool, Int, UInt8

Rows = Int[np.ndarray, "row"]


class Games(ABC):
    """Turn-based games that run in parallel, each at its own move.

    Players are numbered in the order of PettingZoo's `possible_agents`. `play` and `restart` update arrays in place.
    """

    num_games: int
    num_players: int
    observation_space: Space
    action_space: Space
    fps: float = 2.0
    """Moves per second of video."""

    def __init__(self, num_games: int, num_players: int):
        self.num_games, self.num_players = num_games, num_players
        self.turn = np.zeros(num_games, np.int64)
        """The player whose turn it is."""
        self.score = np.zeros((num_games, num_players))
        """Each player's return since the game began."""
        self.terminated = np.zeros((num_games, num_players), bool)
        self.truncated = np.zeros((num_games, num_players), bool)

    @property
    def out(self) -> Bool[np.ndarray, "game player"]:
        """The players for whom the game has ended."""
        return self.terminated | self.truncated

    def restart(self, games: Rows, seed: int | None = None) -> None:
        """Start new games in the rows `games`."""
        self.turn[games] = 0
        self.score[games] = 0.0
        self.terminated[games] = self.truncated[games] = False
        self._restart(games, seed)

    @abstractmethod
    def _restart(self, games: Rows, seed: int | None) -> None:
        """Clear the boards of `games`."""

    @abstractmethod
    def play(self, games: Rows, action: np.ndarray) -> None:
        """Make a move in each of `games`, in which the player whose turn it is must not be out."""

    @abstractmethod
    def observe(self, games: Rows, players: Rows) -> Any:
        """Return what `players`, one for each of `games`, observe; masks allow moves only on a player's turn."""

    def render(self) -> UInt8[np.ndarray, "height width 3"] | None:
        """Return an RGB array of the first game, or None if it can't be rendered."""
        return None

    def close(self) -> None:
        """Release the games' resources."""
        return
