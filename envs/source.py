"""Where an agent's environments come from."""

from collections.abc import Mapping
from typing import Any

import gymnasium
from gymnasium.vector import VectorEnv

from .making import make, make_single
from .tables import Table, read_table, table_of
from .vector import EnvBatch


class Source:
    """An environment's id, which makes new batches, or an environment object, which can only be reset."""

    def __init__(
        self, env: "str | gymnasium.Env | VectorEnv | EnvBatch", num_envs: int, kwargs: Mapping[str, Any] | None = None
    ):
        self.id = env if isinstance(env, str) else None
        self.kwargs = dict(kwargs or {})
        self._first: EnvBatch | None = make(env, num_envs, self.kwargs)
        self._given = None if self.id else self._first
        self.name, self.num_envs = self._first.name, self._first.num_envs
        self.observation_space, self.action_space = self._first.observation_space, self._first.action_space
        self.table: Table | None = read_table(self.single()) if self.id else table_of(self._first.env)
        """All its transitions, if they are known."""

    def batch(self) -> EnvBatch:
        """Return environments that nobody has stepped yet (or the given ones). `release` them after use."""
        if self._given is not None:
            return self._given
        batch, self._first = self._first, None
        return batch or make(self.id or "", self.num_envs, self.kwargs)

    def single(self) -> gymnasium.Env:
        """Return one such environment that nobody has stepped yet. Only for a source with an id."""
        return make_single(self.id or "", self.kwargs)

    def release(self, batch: EnvBatch) -> None:
        """Close a batch that `batch` made. One that was given stays open: it is its owner's."""
        if batch is not self._given:
            batch.close()

    def to_json(self) -> dict[str, Any] | None:
        """Return what is needed to make the environments again, if they can be."""
        return {"id": self.id, "kwargs": self.kwargs} if self.id else None
