"""Agents as opponents."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from sandlot.agents.registry import acting_agent
from sandlot.envs import EnvSpec, tree_leaves, tree_map
from sandlot.envs.games import OpponentPolicy, games_of
from sandlot.tracking import Run, SandlotError

BY_NAME = (None, "self", "random", "scripted")


class AgentOpponent:
    """An agent that plays in several seats at once, with a memory for each."""

    def __init__(self, agent: OpponentPolicy, *, deterministic: bool = False):
        self.agent, self.deterministic = agent, deterministic
        self._memory: Any = None

    def select_actions(
        self, slots: Int[np.ndarray, "row"], observation: Any, episode_start: Bool[np.ndarray, "row"]
    ) -> np.ndarray:
        """Return a move for each row; see `envs.games.Opponent`."""
        memory = None if self._memory is None else self._memory_of(slots)
        action, memory = self.agent.select_action(observation, memory, episode_start, self.deterministic)
        if memory is not None and any(True for _ in tree_leaves(memory)):
            self._store(slots, memory)
        return action

    def _memory_of(self, slots: Int[np.ndarray, "row"]) -> Any:
        size = len(next(tree_leaves(self._memory)))
        # What a new seat gets does not matter: `episode_start` resets it.
        rows = np.minimum(slots, size - 1)
        return tree_map(lambda leaf: leaf[rows], self._memory)

    def _store(self, slots: Int[np.ndarray, "row"], memory: Any) -> None:
        import torch  # late: agents without memory need none

        with torch.inference_mode():
            size = 0 if self._memory is None else len(next(tree_leaves(self._memory)))
            needed = max(int(slots.max()) + 1, size)
            if self._memory is None:
                self._memory = tree_map(lambda leaf: leaf[np.zeros(needed, int)], memory)
            elif needed > size:
                rows = np.minimum(np.arange(needed), size - 1)
                self._memory = tree_map(lambda leaf: leaf[rows], self._memory)
            tree_map(lambda stored, leaf: stored.__setitem__(slots, leaf), self._memory, memory)


def resolve_opponent(env_spec: EnvSpec, runs_dir: Path = Path("runs")) -> EnvSpec:
    """Return `env_spec` with its opponent loaded, if that is the agent of a run: RUN, or RUN@STEP.

    The result names the checkpoint, so that the opponent stays the same when its run goes on.
    """
    if env_spec.opponent in BY_NAME or env_spec.opponent_policy is not None:
        return env_spec
    name, _, step = str(env_spec.opponent).partition("@")
    if step and not step.isdigit():
        raise SandlotError(f"an opponent is written RUN or RUN@STEP, with a number as STEP, not {env_spec.opponent!r}")
    try:
        run = Run.find(runs_dir, name)
    except SandlotError as error:
        raise SandlotError(f"there is no opponent {name!r}: it is not random, scripted or self, and {error}") from error
    theirs = (run.config.get("env") or {}).get("id")
    if theirs != env_spec.id:
        raise SandlotError(f"the opponent {run.folder} plays {theirs}, not {env_spec.id}")
    agent = acting_agent(run.checkpoint(int(step) if step else None)[1])
    games = games_of(env_spec, 0)
    if (agent.spaces.observation, agent.spaces.action) != (games.observation_space, games.action_space):
        raise SandlotError(
            f"the opponent {run.folder} was trained with other options of {env_spec.id}: its spaces differ"
        )
    return dataclasses.replace(
        env_spec, opponent=f"{run.folder}@{agent.env_step}", opponent_policy=AgentOpponent(agent)
    )


def env_spec_of(record: Mapping[str, Any]) -> EnvSpec:
    """Return the environment that a run's config or a checkpoint describes, to play in, with its opponent loaded."""
    return resolve_opponent(EnvSpec.from_json(record).playable())
