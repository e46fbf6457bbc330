"""An environment as it is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import gymnasium
from gymnasium.vector import VectorEnv

from sandlot.envs.backends.atari import is_atari, standard_wrappers
from sandlot.envs.backends.envpool import pool_ids
from sandlot.envs.backends.single import make_single, register
from sandlot.envs.backends.vectorize import batch_of, given_batch
from sandlot.tracking import SandlotError

from .games import Opponent, game_batch, game_single, is_game
from .vector import EnvBatch
from .wrappers import NONE, Wrappers

Backend = Literal["auto", "envpool", "gymnasium"]


@dataclass(frozen=True)
class EnvSpec:
    """All that makes an environment again: for training, evaluation and films alike."""

    id: str
    """As Gymnasium knows it; module:id imports the module first."""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    """Options of the environment."""
    backend: Backend = "auto"
    """What runs the copies; auto: EnvPool, if it is installed, where it is faster and the task the same."""
    wrappers: Wrappers | None = None
    """What is changed about it; None for what the field does: nothing, or Atari's preprocessing."""
    opponent: str | None = None
    """Who sits opposite in a game of turns: random, scripted, self (past selves), or a run's folder."""
    opponent_policy: Opponent | None = field(default=None, compare=False)
    """The opponent in person, where the name is not enough to find it."""
    openings: int = field(default=0, compare=False)
    """Random moves that half of the games of turns may begin with; for training."""
    separate: bool = False
    """Whether each player of a game in which all move at once learns a network of its own."""

    @classmethod
    def of(cls, env: "str | EnvSpec") -> "EnvSpec":
        """Return `env` as a world, if it is only an id."""
        return env if isinstance(env, EnvSpec) else cls(env)

    @property
    def resolved_wrappers(self) -> Wrappers:
        """The wrappers that were given, or else the field's."""
        return wrappers_for(self.id) if self.wrappers is None else self.wrappers

    def batch(self, num_envs: int, *, exact: bool = False) -> EnvBatch:
        """Return `num_envs` copies that step together, by the fastest backend there is for them.

        Games have a row for each player, or one for each game against opponents; `exact` ones are played on
        PettingZoo's boards, not on ours.
        """
        self._check()
        return game_batch(self, num_envs, exact=exact) if is_game(self.id) else batch_of(self, num_envs)

    def single(self, *, render: bool = False) -> gymnasium.Env:
        """Return one copy; with `render`, one whose `render()` gives pictures.

        Where several players move at once, observations and actions have an axis for them before all others.
        """
        self._check()
        return game_single(self, render=render) if is_game(self.id) else make_single(self, render=render)

    def resolved(self, batch: EnvBatch) -> "EnvSpec":
        """Return this world with the backend of `batch` in place of auto: a resumed run takes the same anywhere."""
        if self.backend != "auto" or is_game(self.id):
            return self
        return replace(self, backend="envpool" if batch.backend == "envpool" else "gymnasium")

    def playable(self) -> "EnvSpec":
        """Return this world for playing alone, which any backend will do for where EnvPool is not installed."""
        return replace(self, backend="auto") if self.backend == "envpool" and not pool_ids() else self

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        players = {"opponent": self.opponent, "separate": self.separate} if is_game(self.id) else {}
        wrappers = self.resolved_wrappers.to_json()
        return {"id": self.id, "kwargs": dict(self.kwargs), "backend": self.backend, "wrappers": wrappers, **players}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Return the world that `to_json` wrote down, or that a run did which knew only id and options."""
        wrappers = Wrappers.from_json(record["wrappers"]) if "wrappers" in record else NONE
        players = {name: record[name] for name in ("opponent", "separate") if name in record}
        return cls(record["id"], record["kwargs"], record.get("backend", "auto"), wrappers, **players)

    def _check(self) -> None:
        for name in ("opponent", "separate"):
            if getattr(self, name) and not is_game(self.id):
                raise SandlotError(f"{self.id} has one player; {name!r} is for games of several, PettingZoo's")
        if is_game(self.id) and (self.resolved_wrappers != NONE or self.backend == "envpool"):
            raise SandlotError(f"{self.id} is a game of several players, which takes no wrappers and no backend")


def wrappers_for(env: str) -> Wrappers:
    """Return the wrappers that the field uses for the environment with the id `env`."""
    if is_game(env):
        return NONE
    register(env)
    return standard_wrappers(env) if is_atari(env) else NONE


def make(env: "str | EnvSpec | gymnasium.Env | VectorEnv | EnvBatch", num_envs: int = 1, **options: Any) -> EnvBatch:
    """Return `num_envs` copies of a world (or of the id `env`, with a world's `options`), or an env object itself."""
    if isinstance(env, str | EnvSpec):
        return (EnvSpec(env, **options) if isinstance(env, str) else env).batch(num_envs)
    return given_batch(env)
