"""The specification of an environment, and the functions that make it."""

from dataclasses import dataclass, replace
from typing import Any

import gymnasium
from gymnasium.vector import VectorEnv

from sandlot.envs.backends.envpool import pool_ids
from sandlot.envs.backends.single import make_single
from sandlot.envs.backends.vectorize import batch_of, given_batch
from sandlot.tracking import SandlotError

from .description import EnvDescription
from .games import game_batch, game_single
from .games.observed import check_game_wrappers
from .registry import is_game
from .vector import EnvBatch


@dataclass(frozen=True)
class EnvSpec(EnvDescription):
    """An environment that can be made again from its description, for training, evaluation and videos alike.

    Example: `EnvSpec("CartPole-v1", wrappers=Wrappers(frame_stack=2)).batch(8)`.
    """

    @classmethod
    def of(cls, env: "str | EnvSpec") -> "EnvSpec":
        """Return `env` as a spec, if it is only an id."""
        return env if isinstance(env, EnvSpec) else cls(env)

    def batch(self, num_envs: int, *, exact: bool = False, most_slow: int | None = None) -> EnvBatch:
        """Return `num_envs` copies that step together, in the fastest backend that supports them.

        Multi-agent environments have one row per player; turn-based games against opponents one row per game. With
        `exact`, games run on PettingZoo's own implementation. There are at most `most_slow` copies of an environment
        whose step takes over a millisecond.
        """
        self._check()
        return game_batch(self, num_envs, exact=exact) if is_game(self.id) else batch_of(self, num_envs, most_slow)

    def single(self, *, render: bool = False) -> gymnasium.Env:
        """Return one copy; with `render`, one whose `render()` returns RGB arrays.

        Where several players act at once, observations and actions have a leading player axis.
        """
        self._check()
        return game_single(self, render=render) if is_game(self.id) else make_single(self, render=render)

    def resolved(self, batch: EnvBatch) -> "EnvSpec":
        """Return this spec with the backend of `batch` in place of auto, so that a resumed run uses the same."""
        if self.backend != "auto" or is_game(self.id):
            return self
        return replace(self, backend="envpool" if batch.backend == "envpool" else "gymnasium")

    def playable(self) -> "EnvSpec":
        """Return this spec for evaluation, where another backend may stand in if EnvPool is not installed."""
        return replace(self, backend="auto") if self.backend == "envpool" and not pool_ids() else self

    def _check(self) -> None:
        steps = self.kwargs.get("max_episode_steps", 1)
        if not ((isinstance(steps, int) and steps >= 1) or steps in (None, -1)) or isinstance(steps, bool):
            raise SandlotError(f"max_episode_steps in the environment's options must be at least 1, not {steps!r}")
        for name in ("opponent", "separate"):
            if getattr(self, name) and not is_game(self.id):
                raise SandlotError(f"{self.id} has one player; {name!r} is for multi-agent environments (PettingZoo)")
        if is_game(self.id):
            check_game_wrappers(self.id, self.resolved_wrappers)
            if self.backend == "envpool":
                raise SandlotError(f"{self.id} is a multi-agent environment, which supports no backends")


def make(env: "str | EnvSpec | gymnasium.Env | VectorEnv | EnvBatch", num_envs: int = 1, **options: Any) -> EnvBatch:
    """Return `num_envs` copies of a spec (or of the id `env`, with `EnvSpec`'s options), or a given env as a batch."""
    if isinstance(env, str | EnvSpec):
        return (EnvSpec(env, **options) if isinstance(env, str) else env).batch(num_envs)
    return given_batch(env)
