"""Learning by playing against oneself."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from jaxtyping import Bool

from sandlot.agents.action_info import ActionInfo
from sandlot.agents.base import Agent
from sandlot.agents.loop import MetricLogger, StopSignals, derived_seed, train_segment
from sandlot.agents.network_agent import NetworkAgent
from sandlot.envs import EnvSpec, Observation, Step, has_mask
from sandlot.envs.games import games_of
from sandlot.tracking import SandlotError

from .opponent_pool import OpponentPool
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

    def __init__(self, agent: Agent, opponent_pool: OpponentPool):
        self.agent, self.opponent_pool = agent, opponent_pool
        self.name = agent.name  # pyright: ignore[reportAttributeAccessIssue] (a class's own everywhere else)
        opponent_pool.agent = agent

    @classmethod
    def make(cls, kind: type[Agent], env_spec: EnvSpec, *, seed: int, config: Any) -> Self:
        """Return a new agent of the `kind` that learns to play `env_spec`."""
        if not issubclass(kind, NetworkAgent):
            raise SandlotError(f"{kind.name} keeps a table; self-play is for agents with networks, such as ppo and dqn")
        games, opponent_pool = games_of(env_spec, 0), OpponentPool(env_spec, config.num_envs)
        if games.num_players != 2:
            raise SandlotError(
                f"self-play is for two, and {env_spec.id} has {games.num_players} players; try random opponents"
            )
        openings = OPENINGS if has_mask(games.observation_space) else 0
        env_factory = kind.make_env_factory(
            replace(env_spec, opponent="self", opponent_policy=opponent_pool, openings=openings), config
        )
        return cls(kind(env_factory, seed=seed, config=config), opponent_pool)

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

    def train_segment(self, steps: int, end: int, metric_logger: MetricLogger, stop: StopSignals) -> None:
        every = max(JOIN_EVERY, steps // MEMBERS_PER_RUN)
        while self.env_step < min(end, steps) and stop.received is None:
            if self.env_step >= self.opponent_pool.steps[-1] + every or len(self.opponent_pool.steps) == 1:
                self.opponent_pool.join(self.env_step)
            self.opponent_pool.sit_down(derived_seed(self.seed, self.env_step))
            until = min(end, (self.env_step // every + 1) * every)
            train_segment(self, steps, until, metric_logger, stop)  # pyright: ignore[reportArgumentType] (its properties)

    def reset(self, observation: Observation, seed: int) -> None:
        self.agent.reset(observation, seed)

    def exploration_action(self) -> np.ndarray:
        return self.agent.exploration_action()

    def observe(self, step: Step) -> Mapping[str, float] | None:
        return self.agent.observe(step)

    def thread_context(self) -> AbstractContextManager[None]:
        return self.agent.thread_context()

    def prepare(self, steps: int) -> None:
        self.agent.prepare(steps)

    def select_action(
        self, observation: Observation, memory: Any, episode_start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Any]:
        return self.agent.select_action(observation, memory, episode_start, deterministic)

    def explain(
        self, observation: Observation, memory: Any, episode_start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Any, ActionInfo]:
        return self.agent.explain(observation, memory, episode_start, deterministic)

    def tensors(self) -> dict[str, np.ndarray]:
        return self.agent.tensors()

    def load_tensors(self, tensors: Mapping[str, np.ndarray]) -> None:
        self.agent.load_tensors(tensors)

    def experience(self) -> dict[str, np.ndarray]:
        opponent_pool = {f"league.{name}": array for name, array in self.opponent_pool.state().items()}
        return self.agent.experience() | opponent_pool

    def load_experience(self, tensors: Mapping[str, np.ndarray]) -> None:
        prefix = "league."
        self.agent.load_experience({name: array for name, array in tensors.items() if not name.startswith(prefix)})
        named = [name for name in tensors if name.startswith(prefix)]
        self.opponent_pool.load_state({name.removeprefix(prefix): tensors[name] for name in named})

    def state(self) -> dict[str, Any]:
        return self.agent.state()

    def metrics(self) -> dict[str, float]:
        """Return the rating of the newest self in the pool, where a random player's is 0, and the highest."""
        known = self.agent.metrics()
        if len(self.opponent_pool.steps) == 1:
            return known
        ratings = self.opponent_pool.ratings
        return {**known, "elo/newest": ratings[self.opponent_pool.steps[-1]], "elo/highest": max(ratings.values())}

    def draw(self, path: Path) -> bool:
        """Let the pool play itself, and draw who beats whom; the figures lie beside the picture, as JSON."""
        if self.opponent_pool.steps[-1] != self.env_step:
            self.opponent_pool.join(self.env_step)
        names, table = self.opponent_pool.standings(STANDINGS_GAMES, STANDINGS_MEMBERS)
        draw_standings(path, self.opponent_pool.env_spec.id, names, table, self.opponent_pool.ratings)
        return True

    def describe(self) -> dict[str, str]:
        return self.agent.describe()
