"""Agents in the seats opposite."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int
from sandlot.agents.registry import load_agent
from sandlot.envs import World, tree_leaves, tree_map
from sandlot.envs.games import Rival, games_of
from sandlot.tracking import Run, SandlotError

BY_NAME = (None, "self", "random", "scripted")


class Seated:
    """A player in several seats at once, who remembers in each what it has seen there."""

    def __init__(self, player: Rival, *, deterministic: bool = False):
        self.player, self.deterministic = player, deterministic
        self._memory: Any = None

    def reply(self, slots: Int[np.ndarray, "row"], observation: Any, start: Bool[np.ndarray, "row"]) -> np.ndarray:
        """Return a move for each row; see `envs.games.Opponents`."""
        here = None if self._memory is None else self._remember(slots)
        action, after = self.player.choose(observation, here, start, self.deterministic)
        if any(True for _ in tree_leaves(after)) and after is not None:
            self._keep(slots, after)
        return action

    def _remember(self, slots: Int[np.ndarray, "row"]) -> Any:
        have = len(next(tree_leaves(self._memory)))
        # What a seat that is new here gets does not matter: `start` wipes it.
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


def seat_opponent(world: World, runs_dir: Path = Path("runs")) -> World:
    """Return `world` with its opponent in person, if that is the agent of a run: RUN, or RUN@STEP.

    The world that is returned names the checkpoint, so that the opponent stays the same when its run goes on.
    """
    if world.opponent in BY_NAME or world.rivals is not None:
        return world
    name, _, step = str(world.opponent).partition("@")
    if step and not step.isdigit():
        raise SandlotError(f"an opponent is written RUN or RUN@STEP, with a number as STEP, not {world.opponent!r}")
    try:
        run = Run.find(runs_dir, name)
    except SandlotError as error:
        raise SandlotError(
            f"there is no opponent {name!r}: it is none of random, scripted and self, and {error}"
        ) from error
    theirs = run.config.get("env", {}).get("id")
    if theirs != world.id:
        raise SandlotError(f"the opponent {run.folder} plays {theirs}, not {world.id}")
    player = load_agent(run, int(step) if step else None)
    games = games_of(world, 0)
    if (player.spaces.observation, player.spaces.action) != (games.observation_space, games.action_space):
        raise SandlotError(f"the opponent {run.folder} was trained with other options of {world.id}: its spaces differ")
    return dataclasses.replace(world, opponent=f"{run.folder}@{player.env_step}", rivals=Seated(player))


def world_of(record: Mapping[str, Any]) -> World:
    """Return the world that a run's config or a checkpoint describes, to play in, with its opponent in person."""
    return seat_opponent(World.from_json(record).playable())
