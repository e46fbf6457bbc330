"""The factory that makes an agent's training environments."""

from typing import Any

import gymnasium
from gymnasium.vector import VectorEnv

from sandlot.envs.backends.tabular import TransitionTable, read_table, table_of
from sandlot.tracking import SandlotError
from sandlot.tracking.common.memory import require_memory

from .registry import is_game
from .spec import EnvSpec, make
from .vector import EnvBatch

NOT_TABULAR = ("sync", "ale", "pettingzoo", "numpy")
"""Backends with which no environment has a transition table that its copies do not tell; another copy isn't made."""


def check_num_envs(env: Any, num_envs: int | None) -> None:
    """Raise `SandlotError` if `env` is an object, and `num_envs` copies were asked for: it can't be copied."""
    counts = not isinstance(env, EnvBatch | EnvFactory) and hasattr(env, "num_envs")
    own = env.num_envs if counts else 1 if isinstance(env, gymnasium.Env) else num_envs
    if num_envs is not None and num_envs != own:
        raise SandlotError(
            f"num_envs={num_envs} needs an environment that can be made several times, and this one was made already; "
            "give its id, an EnvSpec or a vector environment"
        )


ENV_BYTES, GAME_BYTES = 10_000, 500
"""The least that an environment takes: an object of its own, or a row of a batch of board games."""


class EnvFactory:
    """Makes batches from a spec or an id; a given environment object is used as it is, and only reset."""

    def __init__(self, env: str | EnvSpec | gymnasium.Env | VectorEnv | EnvBatch, num_envs: int):
        self.env_spec = EnvSpec.of(env) if isinstance(env, str | EnvSpec) else None
        if self.env_spec is not None:
            size = GAME_BYTES if is_game(self.env_spec.id) else ENV_BYTES
            require_memory(num_envs * size, f"{num_envs:,} environments", "num_envs")
        self._first: EnvBatch | None = make(self.env_spec or env, num_envs)
        self._given = None if self.env_spec else self._first
        self.env_spec = self.env_spec and self.env_spec.resolved(self._first)
        self.name, self.num_envs = self._first.name, self._first.num_envs
        self._copies = num_envs
        self.groups = self._first.groups
        """The players of each group, in games in which all act at once."""
        self.observation_space, self.action_space = self._first.observation_space, self._first.action_space
        self.table: TransitionTable | None = table_of(self._first.env)
        """The transition table, if it is known."""
        if self.table is None and self.env_spec is not None and self._first.backend not in NOT_TABULAR:
            single = self.env_spec.single()
            self.table = read_table(single)
            single.close()

    def batch(self) -> EnvBatch:
        """Return environments that have not been stepped yet (or the given ones). `release` them after use."""
        if self._given is not None:
            return self._given
        batch, self._first = self._first, None
        if batch is None:
            assert self.env_spec is not None
            batch = self.env_spec.batch(self._copies)
        return batch

    def release(self, batch: EnvBatch) -> None:
        """Close a batch that `batch` made. A given one stays open: it belongs to the caller."""
        if batch is not self._given:
            batch.close()
