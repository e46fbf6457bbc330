"""An environment as it is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import gymnasium
from gymnasium.vector import VectorEnv

from .batching import batch_of, given_batch
from .single import make_single
from .vector import EnvBatch


@dataclass(frozen=True)
class World:
    """All that makes an environment again: for training, evaluation and films alike."""

    id: str
    """As Gymnasium knows it; module:id imports the module first."""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    """Options of the environment."""

    @classmethod
    def of(cls, env: "str | World") -> "World":
        """Return `env` as a world, if it is only an id."""
        return env if isinstance(env, World) else cls(env)

    def batch(self, num_envs: int) -> EnvBatch:
        """Return `num_envs` copies that step together, by the fastest backend there is for them."""
        return batch_of(self, num_envs)

    def single(self, *, render: bool = False) -> gymnasium.Env:
        """Return one copy; with `render`, one whose `render()` gives pictures."""
        return make_single(self, render=render)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {"id": self.id, "kwargs": dict(self.kwargs)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Return the world that `to_json` wrote down."""
        return cls(record["id"], record["kwargs"])


def make(env: "str | World | gymnasium.Env | VectorEnv | EnvBatch", num_envs: int = 1, **options: Any) -> EnvBatch:
    """Return `num_envs` copies of a world (or of the id `env`, with a world's `options`), or an env object itself."""
    if isinstance(env, str | World):
        return (World(env, **options) if isinstance(env, str) else env).batch(num_envs)
    return given_batch(env)
