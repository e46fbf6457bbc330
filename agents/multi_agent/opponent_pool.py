"""A pool of an agent's past selves to play against.

Source: Heinrich, Lanctot & Silver, "Fictitious self-play in extensive-form games", 2015, for learning against
one's past; that half of the games are against the present self is Bansal et al., "Emergent complexity via
multi-agent competition", 2018, simplified.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Int

from sandlot.agents.network_agent import NetworkAgent
from sandlot.envs import EnvSpec, Observation, tree_map
from sandlot.envs.games import SCRIPTED_OPPONENTS, Opponent, games_of, make_opponent

from .matches import Score, match
from .opponents import AgentOpponent
from .ratings import elo

POOL_SIZE = 16
"""Past selves that are kept."""
PAST_OPPONENTS = 4
"""Past selves that play at a time, together in half of the games; the present self plays in the others."""
RATED_AGAINST, RATING_GAMES = 4, 32
"""Past selves that a new one is rated against, and games with each in each seat."""
RANDOM = -1
"""In place of an env step, the random player, whose rating is 0."""


class OpponentPool:
    """Past selves of an agent, who play in the other seat of its games, and their Elo ratings.

    It is the opponent of the agent's environments, so it is made first; `attach` then gives it the agent.
    """

    def __init__(self, env_spec: EnvSpec, num_games: int):
        self.env_spec, self.num_games = env_spec, num_games
        self.steps: list[int] = [RANDOM]
        """The env steps of the members: the random player, then past selves from the oldest on."""
        self.weights: list[dict[str, np.ndarray]] = [{}]
        self.points = np.zeros((1, 1))
        """Points that each member won against each other; see `elo`."""
        self._agent: NetworkAgent | None = None
        self._opponents: list[Opponent] = []
        self._opponent_of_pair = np.zeros(num_games, np.int64)

    def attach(self, agent: NetworkAgent) -> None:
        """Set the agent whose past selves are kept."""
        self._agent = agent

    @property
    def agent(self) -> NetworkAgent:
        """The agent whose past selves are kept."""
        assert self._agent is not None, "the pool has no agent yet"
        return self._agent

    @property
    def ratings(self) -> dict[int, float]:
        """Elo rating of each member, by env step."""
        return dict(zip(self.steps, elo(self.points).tolist(), strict=True))

    def add(self, env_step: int) -> None:
        """Add the agent as it is now, rate it by games against some members, and evict one if there are too many."""
        rng = np.random.default_rng([self.agent.seed, env_step])
        past = rng.choice(np.arange(1, len(self.steps)), min(RATED_AGAINST, len(self.steps) - 1), False)
        self.steps.append(env_step)
        self.weights.append(policy_tensors(self.agent.tensors()))
        self.points = np.pad(self.points, (0, 1))
        games = games_of(self.env_spec, RATING_GAMES)
        for index in (0, *sorted(past)):
            other = self.member(int(index), int(rng.integers(2**31)))
            new = AgentOpponent(self._past_self(len(self.steps) - 1, int(rng.integers(2**31))))
            first, second = match(games, new, other)
            both = first.plus(second)
            self.points[-1, index] += both.wins + 0.5 * both.draws
            self.points[index, -1] += both.losses + 0.5 * both.draws
        games.close()
        if len(self.steps) > POOL_SIZE + 1:
            self._evict()

    def choose_opponents(self, seed: int) -> None:
        """Choose who plays from now on: the present self in half of the games, past selves in the others."""
        rng = np.random.default_rng(seed)
        past = rng.choice(np.arange(1, len(self.steps)), min(PAST_OPPONENTS, len(self.steps) - 1), False)
        members = (self.member(int(index), int(rng.integers(2**31))) for index in past)
        self._opponents = [AgentOpponent(self._present_self(int(rng.integers(2**31)))), *members]
        # Both games of a pair have the same opponent, so that the agent meets everyone in both seats.
        pair = np.arange(self.num_games) // 2
        self._opponent_of_pair = np.where(pair % 2, pair // 2 % len(past) + 1, 0)

    def select_actions(
        self, slots: Int[np.ndarray, "row"], observation: Observation, episode_start: Bool[np.ndarray, "row"]
    ) -> np.ndarray:
        """Return the moves of the opponents in `slots`; see `envs.games.Opponent`."""
        opponent = self._opponent_of_pair[slots // 2]
        action: np.ndarray | None = None
        for index in np.unique(opponent):
            rows = np.flatnonzero(opponent == index)
            seen = tree_map(lambda leaf, rows=rows: leaf[rows], observation)
            moves = self._opponents[index].select_actions(slots[rows], seen, episode_start[rows])
            if action is None:
                action = np.zeros((len(slots), *moves.shape[1:]), moves.dtype)
            action[rows] = moves
        assert action is not None
        return action

    def member(self, index: int, seed: int) -> Opponent:
        """Return a member of the pool as an opponent."""
        if self.steps[index] == RANDOM:
            return make_opponent("random", self.env_spec.id, self.agent.spaces.action, seed)
        return AgentOpponent(self._past_self(index, seed))

    def play_standings(self, num_games: int, most: int) -> tuple[list[str], list[list[Score | None]]]:
        """Let up to `most` members, the random and the scripted player meet in `num_games` games in each seat."""
        kept = np.unique(np.linspace(1, len(self.steps) - 1, min(most, len(self.steps) - 1)).round().astype(int))
        names = ["random", *(f"{self.steps[index]:,}" for index in kept)]
        players: list[Opponent] = [self.member(int(index), 7 + int(index)) for index in (0, *kept)]
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
        """Return the members and their points, by name."""
        state = {"steps": np.array(self.steps), "points": self.points}
        for step, weights in zip(self.steps, self.weights, strict=True):
            state |= {f"{step}.{name}": array for name, array in weights.items()}
        return state

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Load what `state` returned."""
        if not state:
            return
        self.steps, self.points = state["steps"].tolist(), state["points"]
        prefixes = [f"{step}." for step in self.steps]
        self.weights = [
            {name.removeprefix(prefix): state[name] for name in state if name.startswith(prefix)} for prefix in prefixes
        ]

    def _present_self(self, seed: int) -> NetworkAgent:
        """Return an agent that acts by the network that is learning, with random numbers of its own."""
        present = self._new(seed)
        vars(present)["policy"] = vars(self.agent)["policy"]
        return present

    def _past_self(self, index: int, seed: int) -> NetworkAgent:
        """Return an agent that acts as the member did, with random numbers of its own."""
        past = self._new(seed)
        past.load_tensors({**past.tensors(), **self.weights[index]})
        return past

    def _new(self, seed: int) -> NetworkAgent:
        return type(self.agent)(self.agent.spaces, seed=seed, config=self.agent.config)

    def _evict(self) -> None:
        """Drop the member whose neighbours in time are nearest, but neither the oldest nor the newest."""
        gaps = np.array(self.steps[3:]) - np.array(self.steps[1:-2])
        evicted = int(np.argmin(gaps)) + 2
        del self.steps[evicted], self.weights[evicted]
        self.points = np.delete(np.delete(self.points, evicted, 0), evicted, 1)


def policy_tensors(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return copies of those of an agent's tensors by which it acts: its policy's."""
    return {name: array.copy() for name, array in tensors.items() if name.startswith("policy.")}
