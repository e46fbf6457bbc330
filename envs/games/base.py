"""Games in which one player moves after the other, several side by side."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from gymnasium import Space
from jaxtyping import Bool, Int, UInt8

Rows = Int[np.ndarray, "row"]


class Games(ABC):
    """Games that go on side by side, each at its own move.

    Seats are the players in the order in which they sit. All arrays are updated in place by `play` and `restart`.
    """

    num_games: int
    num_seats: int
    observation_space: Space
    action_space: Space
    fps: float = 2.0
    """Moves that a second of film shows."""

    def __init__(self, num_games: int, num_seats: int):
        self.num_games, self.num_seats = num_games, num_seats
        self.turn = np.zeros(num_games, np.int64)
        """The seat that is to move."""
        self.score = np.zeros((num_games, num_seats))
        """What each seat has earned since the game began."""
        self.terminated = np.zeros((num_games, num_seats), bool)
        self.truncated = np.zeros((num_games, num_seats), bool)

    @property
    def out(self) -> Bool[np.ndarray, "game seat"]:
        """The seats for whom the game has ended."""
        return self.terminated | self.truncated

    def restart(self, games: Rows, seed: int | None = None) -> None:
        """Begin anew in `games`."""
        self.turn[games] = 0
        self.score[games] = 0.0
        self.terminated[games] = self.truncated[games] = False
        self._restart(games, seed)

    @abstractmethod
    def _restart(self, games: Rows, seed: int | None) -> None:
        """Clear the boards of `games`."""

    @abstractmethod
    def play(self, games: Rows, action: np.ndarray) -> None:
        """Move in `games`, in which the player on turn is still in the game."""

    @abstractmethod
    def observe(self, games: Rows, seats: Rows) -> Any:
        """Return what the player in `seats` sees in each of `games`; a mask allows moves to whom is on turn."""

    def render(self) -> UInt8[np.ndarray, "height width 3"] | None:
        """Return a picture of the first game, if it can be drawn."""
        return None

    def close(self) -> None:
        """Free what the games hold."""
        return
