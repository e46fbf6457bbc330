"""How well an agent plays."""

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from jaxtyping import Float, Int

from sandlot.agents.tabular.planning import GIVEN_UP_AFTER
from sandlot.envs import EnvBatch, EnvSpec, available_cores, make
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
    successes: Float[np.ndarray, "episode"] | None = None
    """1 for each episode that succeeded, where the environment tells (environments with goals)."""
    cut: bool = False
    """Whether the time was over before all episodes were played; episodes under way then are left out."""

    @property
    def mean(self) -> float:
        """Mean return."""
        return float(self.returns.mean())

    @property
    def success_rate(self) -> float | None:
        """The fraction of episodes that succeeded; None if the environment does not tell."""
        return None if self.successes is None else float(self.successes.mean())

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
            **({} if self.success_rate is None else {"success_rate": self.success_rate}),
            **({"cut": True} if self.cut else {}),
        }


Progress = Callable[[int, float | None], None]
"""Called after each episode with the number of finished episodes and their mean return."""


def evaluate(
    agent: "Agent",
    env: Env,
    *,
    episodes: int = 100,
    seed: int = 10_000,
    deterministic: bool = True,
    seconds: float = math.inf,
    progress: Progress | None = None,
) -> Evaluation:
    """Play `episodes` episodes in `env` and return how they went.

    `env` is an id, an `EnvSpec`, an environment, a vector environment or an `EnvBatch`. Each copy of it plays its
    share, and each player of a game plays in all of the game's. Taking the first episodes to end, wherever they do,
    would favour short ones. An episode that has not ended after GIVEN_UP_AFTER env steps counts with what it
    returned up to then, and is the last of its copy. After `seconds`, the episodes that are over count (those under
    way, if none is). Copies in processes of their own are at most as many as there are processors.
    """
    require(episodes >= 1, "episodes must be at least 1", episodes)
    require(seconds > 0, "the seconds of an evaluation must be positive", seconds)
    if not isinstance(env, str | EnvSpec):
        return _evaluate(agent, make(env), episodes, seed, deterministic, seconds, progress)
    batch = evaluation_batch(env, episodes)
    try:
        return _evaluate(agent, batch, episodes, seed, deterministic, seconds, progress)
    finally:
        batch.close()


SAMPLED_EPISODES = 20


def evaluate_sampled(
    agent: "Agent", env: Env, *, episodes: int, seed: int = 10_000, seconds: float = math.inf
) -> Evaluation | None:
    """Play with actions that are sampled from the policy, as in training, on at most SAMPLED_EPISODES episodes.

    Return None if the agent has no such policy.
    """
    if not agent.samples_actions:
        return None
    return evaluate(
        agent, env, episodes=min(episodes, SAMPLED_EPISODES), seed=seed, deterministic=False, seconds=seconds
    )


def evaluation_batch(env: str | EnvSpec, episodes: int) -> EnvBatch:
    """Return the copies of an environment that play `episodes` episodes of an evaluation."""
    return EnvSpec.of(env).batch(min(episodes, ENVS_AT_ONCE), exact=True, most_slow=available_cores())


def _evaluate(
    agent: "Agent",
    env: EnvBatch,
    episodes: int,
    seed: int,
    deterministic: bool,
    seconds: float,
    progress: Progress | None,
) -> Evaluation:
    for theirs, ours in zip((env.observation_space, env.action_space), agent.spaces, strict=True):
        if _layout(theirs) != _layout(ours):
            raise SandlotError(f"this {agent.name} was trained with the space {ours}, and {env.name} has {theirs}")
    games = env.game.max() + 1
    share = np.full(games, episodes // games)
    share[: episodes % games] += 1
    share = share[env.game]
    returns, lengths, successes = [], [], []
    observation, episode_start, memory = env.reset(seed), np.ones(env.num_envs, bool), None
    end, late = time.monotonic() + seconds, False
    with agent.thread_context():
        while share.any():
            action, memory = agent.select_action(observation, memory, episode_start, deterministic)
            step = env.step(action)
            observation, episode_start = step.observation, step.episode_start
            if step.episodes is not None:
                successes_now = step.episodes.successes
                for row, index in enumerate(step.episodes.envs):
                    if share[index] > 0:
                        share[index] -= 1
                        returns.append(step.episodes.returns[row])
                        lengths.append(step.episodes.lengths[row])
                        successes += [] if successes_now is None else [successes_now[row]]
                if progress is not None:
                    progress(len(returns), float(np.mean(returns)) if returns else None)
            unfinished = env.unfinished
            late = time.monotonic() > end and bool(share.any())
            if unfinished.lengths.max() >= GIVEN_UP_AFTER or (late and not returns):
                given_up = (unfinished.lengths >= GIVEN_UP_AFTER) | late
                endless = np.flatnonzero(given_up & (share > 0))
                returns += unfinished.returns[endless].tolist()
                lengths += unfinished.lengths[endless].tolist()
                share[endless] = 0
            if late:
                break
    every = np.array(successes, float) if successes and len(successes) == len(returns) else None
    return Evaluation(np.array(returns), np.array(lengths), every, cut=late)


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
