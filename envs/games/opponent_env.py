"""Turn-based games against opponents, as environments of one agent."""

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from jaxtyping import Bool, Int

from sandlot.envs.action_masks import MASK
from sandlot.envs.tree import tree_map
from sandlot.envs.vector import TRANSITION_INFO, TransitionInfo

from .base import Games
from .opponents import Opponent


class OpponentEnv(VectorEnv):
    """Play `games` from one seat each against `opponents` in the others.

    A step is a move of ours and all that follows until we are to move again, or the game is over for us. With
    each episode we move to the next seat; the first games begin in all seats alike. Half of the games begin with
    up to `openings` random moves, so that we learn to play positions too that good players would not get into.
    """

    def __init__(self, games: Games, opponents: Opponent, *, openings: int = 0, autoreset: bool = True):
        self.games, self.opponents, self.openings, self.autoreset = games, opponents, openings, autoreset
        self.num_envs = games.num_games
        self.single_observation_space, self.single_action_space = games.observation_space, games.action_space
        self.observation_space = batch_space(games.observation_space, self.num_envs)
        self.action_space = batch_space(games.action_space, self.num_envs)
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_fps": games.fps}
        self._all = np.arange(self.num_envs)
        self.seat = self._all % games.num_seats
        """Where we sit in each game."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        self.rng = np.random.default_rng(seed)
        self.seat = self._all % self.games.num_seats
        if options and "seat" in options:
            self.seat = np.full(self.num_envs, options["seat"])
        self._met = np.zeros((self.num_envs, self.games.num_seats), bool)
        self._begin(self._all, seed)
        return self.games.observe(self._all, self.seat), {}

    def step(self, actions: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        games, mine = self.games, (self._all, self.seat)
        before = games.score[mine]
        games.play(self._all, actions)
        self._replies(np.ones(self.num_envs, bool))
        reward = games.score[mine] - before
        terminated, truncated = games.terminated[mine], games.truncated[mine]
        done = terminated | truncated
        observation = final = games.observe(self._all, self.seat)
        if done.any() and self.autoreset:
            over = np.flatnonzero(done)
            self.seat[over] = (self.seat[over] + 1) % games.num_seats
            self._begin(over)
            first = games.observe(over, self.seat[over])
            observation = tree_map(np.array, final)
            tree_map(lambda rows, new: rows.__setitem__(over, new), observation, first)
        truth = TransitionInfo(final, np.ones(self.num_envs, bool), done)
        return observation, reward, terminated, truncated, {TRANSITION_INFO: truth}

    def render(self) -> Any:
        return self.games.render()

    def close_extras(self, **kwargs: Any) -> None:
        self.games.close()

    def _begin(self, begun: Int[np.ndarray, "begun"], seed: int | None = None) -> None:
        """Begin games and play up to our first move. One that ends before it begins again without an opening."""
        self.games.restart(begun, seed)
        self._open(begun)
        while begun.size:
            self._met[begun] = False
            self._replies(np.isin(self._all, begun))
            begun = begun[self.games.out[begun, self.seat[begun]]]
            self.games.restart(begun)

    def _open(self, begun: Int[np.ndarray, "begun"]) -> None:
        """Make random moves in half of the games that have `begun`, but none that end them."""
        if not self.openings:
            return
        games, drawn = self.games, self.rng.integers(-self.openings, self.openings + 1, len(begun))
        for move in range(self.openings):
            rows = begun[(drawn > move) & ~games.out[begun].any(1)]
            if rows.size:
                legal = games.observe(rows, games.turn[rows])[MASK] != 0
                games.play(rows, np.where(legal, self.rng.random(legal.shape), -1.0).argmax(1))
        games.restart(begun[games.out[begun].any(1)])

    def _replies(self, among: Bool[np.ndarray, "game"]) -> None:
        """Let the opponents move in the games `among` until it is our turn."""
        games = self.games
        while True:
            waits = among & (games.turn != self.seat) & ~games.out[self._all, self.seat]
            rows = np.flatnonzero(waits)
            if not rows.size:
                return
            seats = games.turn[rows]
            episode_start = ~self._met[rows, seats]
            self._met[rows, seats] = True
            slots = rows * games.num_seats + seats
            games.play(rows, self.opponents.reply(slots, games.observe(rows, seats), episode_start))
