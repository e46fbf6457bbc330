"""Turn-based games against opponents, as single-agent environments."""

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from jaxtyping import Bool, Int

from sandlot.envs.action_masks import MASK
from sandlot.envs.opponent import Opponent
from sandlot.envs.tree import tree_map
from sandlot.envs.vector import TRANSITION_INFO, TransitionInfo

from .base import Games


class OpponentEnv(VectorEnv):
    """A vector environment in which the learner controls one player of each game, and `opponents` the others.

    A step is the learner's move and all that follow until its next turn or the end of its game. The learner controls
    the next player in each new episode; the first games are spread evenly over the players. Half of the games start
    with up to `openings` random moves, so that the learner also meets positions that good play avoids.
    """

    def __init__(self, games: Games, opponents: Opponent, *, openings: int = 0, autoreset: bool = True):
        self.games, self.opponents, self.openings, self.autoreset = games, opponents, openings, autoreset
        self.num_envs = games.num_games
        self.single_observation_space, self.single_action_space = games.observation_space, games.action_space
        self.observation_space = batch_space(games.observation_space, self.num_envs)
        self.action_space = batch_space(games.action_space, self.num_envs)
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_fps": games.fps}
        self._all = np.arange(self.num_envs)
        self.player = self._all % games.num_players
        """The player that the learner controls in each game."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        self.rng = np.random.default_rng(seed)
        self.player = self._all % self.games.num_players
        if options and "player" in options:
            self.player = np.full(self.num_envs, options["player"])
        self._has_moved = np.zeros((self.num_envs, self.games.num_players), bool)
        self._start(self._all, seed)
        return self.games.observe(self._all, self.player), {}

    def step(self, actions: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        games, mine = self.games, (self._all, self.player)
        before = games.score[mine]
        games.play(self._all, actions)
        self._play_opponents(np.ones(self.num_envs, bool))
        reward = games.score[mine] - before
        terminated, truncated = games.terminated[mine], games.truncated[mine]
        done = terminated | truncated
        observation = final = games.observe(self._all, self.player)
        if done.any() and self.autoreset:
            over = np.flatnonzero(done)
            self.player[over] = (self.player[over] + 1) % games.num_players
            self._start(over)
            first = games.observe(over, self.player[over])
            observation = tree_map(np.array, final)
            tree_map(lambda rows, new: rows.__setitem__(over, new), observation, first)
        transition = TransitionInfo(final, np.ones(self.num_envs, bool), done)
        return observation, reward, terminated, truncated, {TRANSITION_INFO: transition}

    def render(self) -> Any:
        return self.games.render()

    def close_extras(self, **kwargs: Any) -> None:
        self.games.close()

    def _start(self, started: Int[np.ndarray, "started"], seed: int | None = None) -> None:
        """Start games and play up to the learner's first move. Games that end before it restart without an opening."""
        self.games.restart(started, seed)
        self._play_openings(started)
        while started.size:
            self._has_moved[started] = False
            self._play_opponents(np.isin(self._all, started))
            started = started[self.games.out[started, self.player[started]]]
            self.games.restart(started)

    def _play_openings(self, started: Int[np.ndarray, "started"]) -> None:
        """Make random moves in half of the games `started`; games that these end restart."""
        if not self.openings:
            return
        games, drawn = self.games, self.rng.integers(-self.openings, self.openings + 1, len(started))
        for move in range(self.openings):
            rows = started[(drawn > move) & ~games.out[started].any(1)]
            if rows.size:
                legal = games.observe(rows, games.turn[rows])[MASK] != 0
                games.play(rows, np.where(legal, self.rng.random(legal.shape), -1.0).argmax(1))
        games.restart(started[games.out[started].any(1)])

    def _play_opponents(self, among: Bool[np.ndarray, "game"]) -> None:
        """Let the opponents move in the games `among` until it is the learner's turn."""
        games = self.games
        while True:
            waiting = among & (games.turn != self.player) & ~games.out[self._all, self.player]
            rows = np.flatnonzero(waiting)
            if not rows.size:
                return
            players = games.turn[rows]
            episode_start = ~self._has_moved[rows, players]
            self._has_moved[rows, players] = True
            ids = rows * games.num_players + players
            games.play(rows, self.opponents.select_actions(ids, games.observe(rows, players), episode_start))
