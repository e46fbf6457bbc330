"""Where an agent's environments come from."""

import gymnasium
from gymnasium.vector import VectorEnv

from sandlot.envs.backends.tabular import Table, read_table, table_of

from .spec import EnvSpec, make
from .vector import EnvBatch


class EnvFactory:
    """A world (or an id), which makes new batches, or an environment object, which can only be reset."""

    def __init__(self, env: str | EnvSpec | gymnasium.Env | VectorEnv | EnvBatch, num_envs: int):
        self.env_spec = EnvSpec.of(env) if isinstance(env, str | EnvSpec) else None
        self._first: EnvBatch | None = make(self.env_spec or env, num_envs)
        self._given = None if self.env_spec else self._first
        self.env_spec = self.env_spec and self.env_spec.resolved(self._first)
        self.name, self.num_envs = self._first.name, self._first.num_envs
        self._copies = num_envs
        self.groups = self._first.groups
        """The players of each group, in games in which all move at once."""
        self.observation_space, self.action_space = self._first.observation_space, self._first.action_space
        self.table: Table | None = read_table(self.env_spec.single()) if self.env_spec else table_of(self._first.env)
        """All its transitions, if they are known."""

    def batch(self) -> EnvBatch:
        """Return environments that nobody has stepped yet (or the given ones). `release` them after use."""
        if self._given is not None:
            return self._given
        batch, self._first = self._first, None
        if batch is None:
            assert self.env_spec is not None
            batch = self.env_spec.batch(self._copies)
        return batch

    def release(self, batch: EnvBatch) -> None:
        """Close a batch that `batch` made. One that was given stays open: it is its owner's."""
        if batch is not self._given:
            batch.close()
