"""Agents in the seats opposite."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from sandlot.agents.registry import load_agent
from sandlot.envs import EnvSpec, tree_leaves, tree_map
from sandlot.envs.games import OpponentPolicy, games_of
from sandlot.tracking import Run, SandlotError

BY_NAME = (None, "self", "random", "scripted")


class AgentOpponent:
    """A player in several seats at once, who remembers in each what it has seen there."""

    def __init__(self, player: OpponentPolicy, *, deterministic: bool = False):
        self.player, self.deterministic = player, deterministic
        self._memory: Any = None

    def select_actions(
        self, slots: Int[np.ndarray, "row"], observation: Any, episode_start: Bool[np.ndarray, "row"]
    ) -> np.ndarray:
        """Return a move for each row; see `envs.games.Opponent`."""
        here = None if self._memory is None else self._remember(slots)
        action, after = self.player.select_action(observation, here, episode_start, self.deterministic)
        if any(True for _ in tree_leaves(after)) and after is not None:
            self._keep(slots, after)
        return action

    def _remember(self, slots: Int[np.ndarray, "row"]) -> Any:
        have = len(next(tree_leaves(self._memory)))
        # What a seat that is new here gets does not matter: `episode_start` wipes it.
        rows = np.minimum(slots, have - 1)
        return tree_map(lambda leaf: leaf[rows], self._memory)

    def _keep(self, slots: Int[np.ndarray, "row"], after: Any) -> None:
        import torch  # late: players that remember nothing need none

        with torch.inference_mode():
            have = 0 if self._memory is None else len(next(tree_leaves(self._memory)))
            room = max(int(slots.max()) + 1, have)
            if self._memory is None:
                self._memory = tree_map(lambda leaf: leaf[np.zeros(room, int)], after)
            elif room > have:
                rows = np.minimum(np.arange(room), have - 1)
                self._memory = tree_map(lambda leaf: leaf[rows], self._memory)
            tree_map(lambda kept, leaf: kept.__setitem__(slots, leaf), self._memory, after)


def resolve_opponent(env_spec: EnvSpec, runs_dir: Path = Path("runs")) -> EnvSpec:
    """Return `env_spec` with its opponent in person, if that is the agent of a run: RUN, or RUN@STEP.

    The world that is returned names the checkpoint, so that the opponent stays the same when its run goes on.
    """
    if env_spec.opponent in BY_NAME or env_spec.opponent_policy is not None:
        return env_spec
    name, _, step = str(env_spec.opponent).partition("@")
    if step and not step.isdigit():
        raise SandlotError(f"an opponent is written RUN or RUN@STEP, with a number as STEP, not {env_spec.opponent!r}")
    try:
        run = Run.find(runs_dir, name)
    except SandlotError as error:
        raise SandlotError(
            f"there is no opponent {name!r}: it is none of random, scripted and self, and {error}"
        ) from error
    theirs = run.config.get("env", {}).get("id")
    if theirs != env_spec.id:
        raise SandlotError(f"the opponent {run.folder} plays {theirs}, not {env_spec.id}")
    player = load_agent(run, int(step) if step else None)
    games = games_of(env_spec, 0)
    if (player.spaces.observation, player.spaces.action) != (games.observation_space, games.action_space):
        raise SandlotError(
            f"the opponent {run.folder} was trained with other options of {env_spec.id}: its spaces differ"
        )
    return dataclasses.replace(
        env_spec, opponent=f"{run.folder}@{player.env_step}", opponent_policy=AgentOpponent(player)
    )


def env_spec_of(record: Mapping[str, Any]) -> EnvSpec:
    """Return the world that a run's config or a checkpoint describes, to play in, with its opponent in person."""
    return resolve_opponent(EnvSpec.from_json(record).playable())
