"""How well an agent plays."""

from typing import TYPE_CHECKING, Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from jaxtyping import Float, Int

from sandlot.agents.tabular.planning import GIVEN_UP_AFTER
from sandlot.envs import EnvBatch, EnvSpec, make
from sandlot.tracking import SandlotError, require
from sandlot.tracking.common.intervals import mean_interval

if TYPE_CHECKING:
    from .base import Agent

ENVS_AT_ONCE = 50
Env = str | EnvSpec | gymnasium.Env | VectorEnv | EnvBatch
"""Where an agent can be evaluated."""


class Evaluation(NamedTuple):
    """The episodes of an evaluation."""

    returns: Float[np.ndarray, "episode"]
    lengths: Int[np.ndarray, "episode"]

    @property
    def mean(self) -> float:
        """Mean return."""
        return float(self.returns.mean())

    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval of the mean return over these episodes."""
        return mean_interval(self.returns)

    def to_json(self) -> dict[str, Any]:
        """Return the figures that a run's summary keeps."""
        low, high = self.interval()
        return {
            "episodes": len(self.returns),
            "return": self.mean,
            "return_low": low,
            "return_high": high,
            "return_std": float(self.returns.std()),
            "length": float(self.lengths.mean()),
        }


def evaluate(
    agent: "Agent", env: Env, *, episodes: int = 100, seed: int = 10_000, deterministic: bool = True
) -> Evaluation:
    """Play `episodes` episodes in `env` and return how they went.

    `env` is an id, an `EnvSpec`, an environment, a vector environment or an `EnvBatch`. Each copy of it plays its
    share, and each player of a game plays in all of the game's. Taking the first episodes to end, wherever they do,
    would favour short ones. An episode that has not ended after GIVEN_UP_AFTER env steps counts with what it
    returned up to then, and is the last of its copy.
    """
    require(episodes >= 1, "episodes must be at least 1", episodes)
    if not isinstance(env, str | EnvSpec):
        return _evaluate(agent, make(env), episodes, seed, deterministic)
    batch = EnvSpec.of(env).batch(min(episodes, ENVS_AT_ONCE), exact=True)
    try:
        return _evaluate(agent, batch, episodes, seed, deterministic)
    finally:
        batch.close()


def _evaluate(agent: "Agent", env: EnvBatch, episodes: int, seed: int, deterministic: bool) -> Evaluation:
    for theirs, ours in zip((env.observation_space, env.action_space), agent.spaces, strict=True):
        if _layout(theirs) != _layout(ours):
            raise SandlotError(f"this {agent.name} was trained with the space {ours}, and {env.name} has {theirs}")
    games = env.game.max() + 1
    share = np.full(games, episodes // games)
    share[: episodes % games] += 1
    share = share[env.game]
    returns, lengths = [], []
    observation, episode_start, memory = env.reset(seed), np.ones(env.num_envs, bool), None
    with agent.thread_context():
        while share.any():
            action, memory = agent.select_action(observation, memory, episode_start, deterministic)
            step = env.step(action)
            observation, episode_start = step.observation, step.episode_start
            if step.episodes is not None:
                for total, length, index in zip(*step.episodes, strict=True):
                    if share[index] > 0:
                        share[index] -= 1
                        returns.append(total)
                        lengths.append(length)
            unfinished = env.unfinished
            if unfinished.lengths.max() >= GIVEN_UP_AFTER:
                endless = np.flatnonzero((unfinished.lengths >= GIVEN_UP_AFTER) & (share > 0))
                returns += unfinished.returns[endless].tolist()
                lengths += unfinished.lengths[endless].tolist()
                share[endless] = 0
    return Evaluation(np.array(returns), np.array(lengths))


def _layout(space: gymnasium.Space) -> Any:
    """Return what must be the same of two spaces for one agent to act in both: shapes and numbers of choices."""
    match space:
        case spaces.Dict():
            return {name: _layout(part) for name, part in space.items()}
        case spaces.Tuple():
            return tuple(map(_layout, space))
        case spaces.Discrete():
            return int(space.n)
        case _:
            return space.shape
