"""An environment as it is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import gymnasium
from gymnasium.vector import VectorEnv

from .atari import is_atari, standard_wrappers
from .batching import batch_of, given_batch
from .single import make_single, register
from .vector import EnvBatch
from .wrappers import NONE, Wrappers

Backend = Literal["auto", "envpool", "gymnasium"]


@dataclass(frozen=True)
class World:
    """All that makes an environment again: for training, evaluation and films alike."""

    id: str
    """As Gymnasium knows it; module:id imports the module first."""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    """Options of the environment."""
    backend: Backend = "auto"
    """What runs the copies; auto: EnvPool, if it is installed, where it is faster and the task the same."""
    wrappers: Wrappers | None = None
    """What is changed about it; None for what the field does: nothing, or Atari's preprocessing."""

    @classmethod
    def of(cls, env: "str | World") -> "World":
        """Return `env` as a world, if it is only an id."""
        return env if isinstance(env, World) else cls(env)

    @property
    def worn(self) -> Wrappers:
        """The wrappers that were given, or else the field's."""
        return wrappers_for(self.id) if self.wrappers is None else self.wrappers

    def batch(self, num_envs: int) -> EnvBatch:
        """Return `num_envs` copies that step together, by the fastest backend there is for them."""
        return batch_of(self, num_envs)

    def single(self, *, render: bool = False) -> gymnasium.Env:
        """Return one copy; with `render`, one whose `render()` gives pictures."""
        return make_single(self, render=render)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        wrappers = self.worn.to_json()
        return {"id": self.id, "kwargs": dict(self.kwargs), "backend": self.backend, "wrappers": wrappers}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Return the world that `to_json` wrote down, or that a run did which knew only id and options."""
        wrappers = Wrappers.from_json(record["wrappers"]) if "wrappers" in record else NONE
        return cls(record["id"], record["kwargs"], record.get("backend", "auto"), wrappers)


def wrappers_for(env: str) -> Wrappers:
    """Return the wrappers that the field uses for the environment with the id `env`."""
    register(env)
    return standard_wrappers(env) if is_atari(env) else NONE


def make(env: "str | World | gymnasium.Env | VectorEnv | EnvBatch", num_envs: int = 1, **options: Any) -> EnvBatch:
    """Return `num_envs` copies of a world (or of the id `env`, with a world's `options`), or an env object itself."""
    if isinstance(env, str | World):
        return (World(env, **options) if isinstance(env, str) else env).batch(num_envs)
    return given_batch(env)
