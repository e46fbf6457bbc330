"""Matches: games between two players, and their score."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from sandlot.envs import EnvSpec
from sandlot.envs.games import Games, Opponent, RandomOpponent, games_of
from sandlot.tracking.common.intervals import share_interval


class Score(NamedTuple):
    """The results of games between two players, for one of them."""

    wins: int
    draws: int
    losses: int

    @property
    def games(self) -> int:
        """Number of games."""
        return self.wins + self.draws + self.losses

    @property
    def share(self) -> float:
        """Points won as a fraction of all points, where a draw is half a point."""
        return (self.wins + 0.5 * self.draws) / self.games

    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval of the fraction of wins."""
        return share_interval(self.wins / self.games, self.games)

    @property
    def reversed(self) -> "Score":
        """The same games for the other player."""
        return Score(self.losses, self.draws, self.wins)

    def plus(self, other: "Score") -> "Score":
        """Return the games of both."""
        return Score(*(one + two for one, two in zip(self, other, strict=True)))

    @classmethod
    def of(cls, mine: Float[np.ndarray, "game"], others: Float[np.ndarray, "game"]) -> "Score":
        """Return the score of games from both sides' returns."""
        return cls(int((mine > others).sum()), int((mine == others).sum()), int((mine < others).sum()))


def play_games(games: Games, players: Sequence[Opponent], seed: int = 0) -> Float[np.ndarray, "game seat"]:
    """Play all `games` to the end, with `players` in the seats; return each seat's return."""
    all_games = np.arange(games.num_games)
    games.restart(all_games, seed)
    moved = np.zeros((games.num_games, games.num_players), bool)
    while True:
        waiting = all_games[~games.out.all(1)]
        if not waiting.size:
            return games.score.copy()
        turn = games.turn[waiting]
        for seat, player in enumerate(players):
            rows = waiting[turn == seat]
            if rows.size:
                seats = np.full(rows.size, seat)
                episode_start = ~moved[rows, seat]
                moved[rows, seat] = True
                slots = rows * games.num_players + seat
                games.play(rows, player.select_actions(slots, games.observe(rows, seats), episode_start))


def match(games: Games, one: Opponent, other: Opponent, seed: int = 0) -> tuple[Score, Score]:
    """Play all `games` of two seats twice, with the seats swapped; return the score of `one` in either seat."""
    first = play_games(games, [one, other], seed)
    second = play_games(games, [other, one], seed)
    return Score.of(first[:, 0], first[:, 1]), Score.of(second[:, 1], second[:, 0])


def is_cooperative(env_spec: EnvSpec, num_games: int = 8) -> bool:
    """Return whether all players of a game have the same returns, in random games that are not all without any."""
    games = games_of(env_spec, num_games, exact=True)
    try:
        returns = play_games(games, [RandomOpponent(games.action_space)] * games.num_players)
    finally:
        games.close()
    return bool((returns == returns[:, :1]).all() and returns.any())
