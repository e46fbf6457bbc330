"""Learning by playing against oneself."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from jaxtyping import Bool
from sandlot.agents.action_info import Thought
from sandlot.agents.base import Agent
from sandlot.agents.loop import Journal, StopSignals, derived_seed, play_segment
from sandlot.agents.network_agent import NetworkAgent
from sandlot.envs import Observation, Step, World, has_mask
from sandlot.envs.games import games_of
from sandlot.tracking import SandlotError

from .opponent_pool import League
from .standings import draw_standings

JOIN_EVERY, MEMBERS_PER_RUN = 50_000, 50
"""Env steps before a new self joins the pool, at least; and how many join over a run, at most."""
OPENINGS = 8
"""Random moves that half of the games may begin with, in games with a mask of legal moves."""
STANDINGS_GAMES, STANDINGS_MEMBERS = 50, 8


class SelfPlay(Agent):
    """Train `agent` against itself and its past selves, which are in its source's seats.

    All that an agent does, it does; what this adds is the league: who joins, who plays, what is kept.
    """

    def __init__(self, agent: Agent, league: League):
        self.agent, self.league = agent, league
        self.name = agent.name  # pyright: ignore[reportAttributeAccessIssue] (a class's own everywhere else)
        league.agent = agent

    @classmethod
    def make(cls, kind: type[Agent], world: World, *, seed: int, config: Any) -> Self:
        """Return a new agent of the `kind` that learns to play `world`."""
        if not issubclass(kind, NetworkAgent):
            raise SandlotError(f"{kind.name} keeps a table; self-play is for agents with networks, such as ppo and dqn")
        games, league = games_of(world, 0), League(world, config.num_envs)
        if games.num_seats != 2:
            raise SandlotError(
                f"self-play is for two, and {world.id} has {games.num_seats} players; try random opponents"
            )
        openings = OPENINGS if has_mask(games.observation_space) else 0
        source = kind.make_source(replace(world, opponent="self", rivals=league, openings=openings), config)
        return cls(kind(source, seed=seed, config=config), league)

    def __getattr__(self, name: str) -> Any:
        """Return what `agent` has: its seed, spaces, config, source and the rest."""
        if name == "agent":
            raise AttributeError(name)
        return getattr(self.agent, name)

    @property
    def env_step(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Env steps so far."""
        return self.agent.env_step

    @env_step.setter
    def env_step(self, value: int) -> None:
        self.agent.env_step = value

    @property
    def progress(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The fraction of the training that is done."""
        return self.agent.progress

    @progress.setter
    def progress(self, value: float) -> None:
        self.agent.progress = value

    def _build(self) -> None:
        """Leave building to `agent`."""

    def play(self, steps: int, end: int, journal: Journal, stop: StopSignals) -> None:
        every = max(JOIN_EVERY, steps // MEMBERS_PER_RUN)
        while self.env_step < min(end, steps) and stop.received is None:
            if self.env_step >= self.league.steps[-1] + every or len(self.league.steps) == 1:
                self.league.join(self.env_step)
            self.league.sit_down(derived_seed(self.seed, self.env_step))
            until = min(end, (self.env_step // every + 1) * every)
            play_segment(self, steps, until, journal, stop)  # pyright: ignore[reportArgumentType] (its properties)

    def begin(self, observation: Observation, seed: int) -> None:
        self.agent.begin(observation, seed)

    def act(self) -> np.ndarray:
        return self.agent.act()

    def observe(self, step: Step) -> Mapping[str, float] | None:
        return self.agent.observe(step)

    def at_work(self) -> AbstractContextManager[None]:
        return self.agent.at_work()

    def prepare(self, steps: int) -> None:
        self.agent.prepare(steps)

    def choose(
        self, observation: Observation, memory: Any, start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Any]:
        return self.agent.choose(observation, memory, start, deterministic)

    def think(
        self, observation: Observation, memory: Any, start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Any, Thought]:
        return self.agent.think(observation, memory, start, deterministic)

    def tensors(self) -> dict[str, np.ndarray]:
        return self.agent.tensors()

    def load_tensors(self, tensors: Mapping[str, np.ndarray]) -> None:
        self.agent.load_tensors(tensors)

    def experience(self) -> dict[str, np.ndarray]:
        league = {f"league.{name}": array for name, array in self.league.state().items()}
        return self.agent.experience() | league

    def load_experience(self, tensors: Mapping[str, np.ndarray]) -> None:
        prefix = "league."
        self.agent.load_experience({name: array for name, array in tensors.items() if not name.startswith(prefix)})
        named = [name for name in tensors if name.startswith(prefix)]
        self.league.load_state({name.removeprefix(prefix): tensors[name] for name in named})

    def state(self) -> dict[str, Any]:
        return self.agent.state()

    def figures(self) -> dict[str, float]:
        """Return the rating of the newest self in the pool, where a random player's is 0, and the highest."""
        known = self.agent.figures()
        if len(self.league.steps) == 1:
            return known
        ratings = self.league.ratings
        return {**known, "elo/newest": ratings[self.league.steps[-1]], "elo/highest": max(ratings.values())}

    def draw(self, path: Path) -> bool:
        """Let the pool play itself, and draw who beats whom; the figures lie beside the picture, as JSON."""
        if self.league.steps[-1] != self.env_step:
            self.league.join(self.env_step)
        names, table = self.league.standings(STANDINGS_GAMES, STANDINGS_MEMBERS)
        draw_standings(path, self.league.world.id, names, table, self.league.ratings)
        return True

    def describe(self) -> dict[str, str]:
        return self.agent.describe()
