"""Learning by self-play: against oneself and one's past selves."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from jaxtyping import Bool

from sandlot.agents.action_info import ActionInfo
from sandlot.agents.base import Agent
from sandlot.agents.loop import train_segment
from sandlot.agents.network_agent import NetworkAgent
from sandlot.agents.training import Training
from sandlot.envs import EnvSpec, Observation, Step, has_mask
from sandlot.envs.games import games_of
from sandlot.tracking import SandlotError, derived_seed

from .opponent_pool import OpponentPool
from .standings import draw_standings

ADD_EVERY, MEMBERS_PER_RUN = 50_000, 50
"""Env steps between additions to the pool, at least; and how many are added over a run, at most."""
OPENINGS = 8
"""Random moves that half of the games may begin with, in games with a mask of legal moves."""
STANDINGS_GAMES, STANDINGS_MEMBERS = 50, 8
POOL = "opponent_pool."
"""What the names of the pool's arrays begin with in a checkpoint."""


class SelfPlay(Agent):
    """Train an agent in games against itself and its past selves.

    The agent learns and acts as ever; this adds the pool of opponents: who is added to it, who plays, what is kept.
    """

    def __init__(self, agent: NetworkAgent, opponent_pool: OpponentPool):
        self.agent, self.opponent_pool = agent, opponent_pool
        self.name, self.config, self.seed = agent.name, agent.config, agent.seed
        self.spaces, self.env_factory, self.training_progress = (
            agent.spaces, agent.env_factory, agent.training_progress
        )  # fmt: skip
        opponent_pool.attach(agent)

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

    def _build(self) -> None:
        """Leave building to the agent."""

    def train_segment(self, training: Training, end: int) -> None:
        every = max(ADD_EVERY, training.steps // MEMBERS_PER_RUN)
        while self.env_step < min(end, training.steps) and not training.stopped:
            if self.env_step >= self.opponent_pool.steps[-1] + every or len(self.opponent_pool.steps) == 1:
                self.opponent_pool.add(self.env_step)
            self.opponent_pool.choose_opponents(derived_seed(self.seed, self.env_step))
            train_segment(self, training, min(end, (self.env_step // every + 1) * every))

    def thread_context(self) -> AbstractContextManager[None]:
        return self.agent.thread_context()

    def prepare(self, steps: int) -> None:
        self.agent.prepare(steps)

    def reset(self, observation: Observation, seed: int) -> None:
        self.agent.reset(observation, seed)

    def exploration_action(self) -> np.ndarray:
        return self.agent.exploration_action()

    def observe(self, step: Step) -> Mapping[str, float] | None:
        return self.agent.observe(step)

    def masked(self, action_masks: np.ndarray) -> AbstractContextManager[None]:
        return self.agent.masked(action_masks)

    def select_action(
        self, observation: Observation, memory: Any, episode_start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Any]:
        return self.agent.select_action(observation, memory, episode_start, deterministic)

    def explain(
        self, observation: Observation, memory: Any, episode_start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Any, ActionInfo]:
        return self.agent.explain(observation, memory, episode_start, deterministic)

    def acting_copy(self) -> Agent:
        return self.agent.acting_copy()

    def tensors(self) -> dict[str, np.ndarray]:
        return self.agent.tensors()

    def load_tensors(self, tensors: Mapping[str, np.ndarray]) -> None:
        self.agent.load_tensors(tensors)

    def experience(self) -> dict[str, np.ndarray]:
        pool = {f"{POOL}{name}": array for name, array in self.opponent_pool.state().items()}
        return self.agent.experience() | pool

    def load_experience(self, tensors: Mapping[str, np.ndarray]) -> None:
        self.agent.load_experience({name: array for name, array in tensors.items() if not name.startswith(POOL)})
        pool = {name.removeprefix(POOL): array for name, array in tensors.items() if name.startswith(POOL)}
        self.opponent_pool.load_state(pool)

    def state(self) -> dict[str, Any]:
        return self.agent.state()

    def metrics(self) -> dict[str, float]:
        """Return the Elo rating of the newest member of the pool, where a random player's is 0, and the highest."""
        known = self.agent.metrics()
        if len(self.opponent_pool.steps) == 1:
            return known
        ratings = self.opponent_pool.ratings
        return {**known, "elo/newest": ratings[self.opponent_pool.steps[-1]], "elo/highest": max(ratings.values())}

    def plot(self, path: Path) -> bool:
        """Let the members of the pool play each other, and plot who beats whom; the figures go beside it as JSON."""
        if self.opponent_pool.steps[-1] != self.env_step:
            self.opponent_pool.add(self.env_step)
        names, table = self.opponent_pool.play_standings(STANDINGS_GAMES, STANDINGS_MEMBERS)
        draw_standings(path, self.opponent_pool.env_spec.id, names, table, self.opponent_pool.ratings)
        return True

    def describe(self) -> dict[str, str]:
        return self.agent.describe()
