"""An environment as it is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import gymnasium
from gymnasium.vector import VectorEnv

from tracking import SandlotError

from .batching import batch_of, given_batch
from .games import Opponents, game_batch, game_single, is_game
from .single import make_single
from .vector import EnvBatch


@dataclass(frozen=True)
class World:
    """All that makes an environment again: for training, evaluation and films alike."""

    id: str
    """As Gymnasium knows it; module:id imports the module first."""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    """Options of the environment."""
    opponent: str | None = None
    """Who sits opposite in a game of turns: random, scripted, self (past selves), or a run's folder."""
    rivals: Opponents | None = field(default=None, compare=False)
    """The opponent in person, where the name is not enough to find it."""
    openings: int = field(default=0, compare=False)
    """Random moves that half of the games of turns may begin with; for training."""
    separate: bool = False
    """Whether each player of a game in which all move at once learns a network of its own."""

    @classmethod
    def of(cls, env: "str | World") -> "World":
        """Return `env` as a world, if it is only an id."""
        return env if isinstance(env, World) else cls(env)

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

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        players = {"opponent": self.opponent, "separate": self.separate} if is_game(self.id) else {}
        return {"id": self.id, "kwargs": dict(self.kwargs), **players}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Return the world that `to_json` wrote down."""
        players = {name: record[name] for name in ("opponent", "separate") if name in record}
        return cls(record["id"], record["kwargs"], **players)

    def _check(self) -> None:
        for name in ("opponent", "separate"):
            if getattr(self, name) and not is_game(self.id):
                raise SandlotError(f"{self.id} has one player; {name!r} is for games of several, PettingZoo's")


def make(env: "str | World | gymnasium.Env | VectorEnv | EnvBatch", num_envs: int = 1, **options: Any) -> EnvBatch:
    """Return `num_envs` copies of a world (or of the id `env`, with a world's `options`), or an env object itself."""
    if isinstance(env, str | World):
        return (World(env, **options) if isinstance(env, str) else env).batch(num_envs)
    return given_batch(env)
