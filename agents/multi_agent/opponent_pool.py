"""An agent's past selves, in the seats opposite.

Source: Heinrich, Lanctot & Silver, "Fictitious self-play in extensive-form games", 2015, for learning against
one's past; that half of the games are against the present self is Bansal et al., "Emergent complexity via
multi-agent competition", 2018, simplified.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from sandlot.agents.network_agent import NetworkAgent
from sandlot.envs import EnvSpec, tree_map
from sandlot.envs.games import SCRIPTED_OPPONENTS, Opponent, games_of, make_opponent

from .matches import Score, match
from .opponents import AgentOpponent
from .ratings import elo

POOL = 16
"""Past selves that are kept; of neighbours in time, one goes when there are more."""
GUESTS = 4
"""Past selves that play at a time, together in half of the games; the present self plays in the others."""
RATED_AGAINST, RATING_GAMES = 4, 32
"""Past selves that a new one is rated against, and games with each in each seat."""
ANCHOR = -1
"""In place of an env step, the random player, whose rating is 0."""


class OpponentPool:
    """Past selves of `agent`: who they are, where they sit, and how they have done against each other."""

    def __init__(self, env_spec: EnvSpec, num_games: int):
        self.env_spec, self.num_games = env_spec, num_games
        self.agent: Any
        self.steps: list[int] = [ANCHOR]
        """The env steps of the pool's members, after the random player."""
        self.weights: list[dict[str, np.ndarray]] = [{}]
        self.points = np.zeros((1, 1))
        """What each has won of each; see `elo`."""
        self._guests: list[AgentOpponent] = []
        self._block = np.zeros(num_games, np.int64)

    @property
    def ratings(self) -> dict[int, float]:
        """Elo by env step."""
        return dict(zip(self.steps, elo(self.points).tolist(), strict=True))

    def join(self, env_step: int) -> None:
        """Take the agent as it is into the pool, and rate it by games against some who are there."""
        rng = np.random.default_rng([self.agent.seed, env_step])
        opponent_policy = [
            0,
            *sorted(rng.choice(np.arange(1, len(self.steps)), min(RATED_AGAINST, len(self.steps) - 1), False)),
        ]
        self.steps.append(env_step)
        self.weights.append(acting(self.agent.tensors()))
        self.points = np.pad(self.points, (0, 1))
        games = games_of(self.env_spec, RATING_GAMES)
        for rival in opponent_policy:
            other = self.player(int(rival), int(rng.integers(2**31)))
            first, second = match(
                games, AgentOpponent(self._copy(len(self.steps) - 1, int(rng.integers(2**31)))), other
            )
            both = first.plus(second)
            self.points[-1, rival] += both.wins + 0.5 * both.draws
            self.points[rival, -1] += both.losses + 0.5 * both.draws
        games.close()
        if len(self.steps) > POOL + 1:
            self._let_go()

    def sit_down(self, seed: int) -> None:
        """Choose who plays from now on, and where: the present self in half of the games, guests in the others."""
        rng = np.random.default_rng(seed)
        chosen = rng.choice(np.arange(1, len(self.steps)), min(GUESTS, len(self.steps) - 1), False)
        guests = (self.player(int(one), int(rng.integers(2**31))) for one in chosen)
        self._guests = [AgentOpponent(self._present(int(rng.integers(2**31)))), *guests]
        # Pairs of games stay together, so that everyone meets us in both seats.
        pair = np.arange(self.num_games) // 2
        self._block = np.where(pair % 2, pair // 2 % len(chosen) + 1, 0)

    def select_actions(
        self, slots: Int[np.ndarray, "row"], observation: Any, episode_start: Bool[np.ndarray, "row"]
    ) -> np.ndarray:
        """Return the moves of whoever sits in `slots`; see `envs.games.Opponent`."""
        block = self._block[slots // 2]
        action: Any = None
        for index in np.unique(block):
            rows = np.flatnonzero(block == index)
            seen = tree_map(lambda leaf, rows=rows: leaf[rows], observation)
            moves = self._guests[index].select_actions(slots[rows], seen, episode_start[rows])
            if action is None:
                action = np.zeros((len(slots), *moves.shape[1:]), moves.dtype)
            action[rows] = moves
        return action

    def player(self, index: int, seed: int) -> Any:
        """Return a member of the pool as someone who can sit down."""
        if self.steps[index] == ANCHOR:
            return make_opponent("random", self.env_spec.id, self.agent.spaces.action, seed)
        return AgentOpponent(self._copy(index, seed))

    def standings(self, num_games: int, most: int) -> tuple[list[str], list[list[Score | None]]]:
        """Let up to `most` members, the random and the scripted player meet in `num_games` games in each seat."""
        kept = np.unique(np.linspace(1, len(self.steps) - 1, min(most, len(self.steps) - 1)).round().astype(int))
        names = ["random", *(f"{self.steps[index]:,}" for index in kept)]
        players: list[Opponent] = [self.player(int(index), 7 + int(index)) for index in (0, *kept)]
        if self.env_spec.id in SCRIPTED_OPPONENTS:
            names.append("scripted")
            players.append(make_opponent("scripted", self.env_spec.id, self.agent.spaces.action, 1))
        games = games_of(self.env_spec, num_games)
        table: list[list[Score | None]] = [[None] * len(names) for _ in names]
        for i, one in enumerate(players):
            for j in range(i):
                first, second = match(games, one, players[j])
                table[i][j] = first.plus(second)
                table[j][i] = first.plus(second).reversed
        games.close()
        return names, table

    def state(self) -> dict[str, np.ndarray]:
        """Return all that is to be kept, by name."""
        state = {"steps": np.array(self.steps), "points": self.points}
        for step, weights in zip(self.steps, self.weights, strict=True):
            state |= {f"{step}.{name}": array for name, array in weights.items()}
        return state

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up what `state` returned."""
        if not state:
            return
        self.steps, self.points = state["steps"].tolist(), state["points"]
        prefixes = [f"{step}." for step in self.steps]
        self.weights = [
            {name.removeprefix(prefix): state[name] for name in state if name.startswith(prefix)} for prefix in prefixes
        ]

    def _present(self, seed: int) -> NetworkAgent:
        """Return an agent that acts by the network that is learning, with random numbers of its own."""
        present = self._new(seed)
        present.policy = self.agent.policy
        return present

    def _new(self, seed: int) -> Any:
        return type(self.agent)(self.agent.spaces, seed=seed, config=self.agent.config)

    def _copy(self, index: int, seed: int) -> NetworkAgent:
        """Return an agent that acts as the member did, with random numbers of its own."""
        copy = self._new(seed)
        copy.load_tensors({**copy.tensors(), **self.weights[index]})
        return copy

    def _let_go(self) -> None:
        """Drop the member whose neighbours in time are nearest, but neither the oldest nor the newest."""
        gaps = np.array(self.steps[3:]) - np.array(self.steps[1:-2])
        gone = int(np.argmin(gaps)) + 2
        del self.steps[gone], self.weights[gone]
        self.points = np.delete(np.delete(self.points, gone, 0), gone, 1)


def acting(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return those of an agent's tensors by which it acts: its policy's."""
    return {name: array.copy() for name, array in tensors.items() if name.startswith("policy.")}
