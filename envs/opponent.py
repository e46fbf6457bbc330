"""What the environments of turn-based games ask of opponents."""

from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Int


@runtime_checkable
class OpponentPolicy(Protocol):
    """A policy that selects moves for a batch of observations. Every agent is one."""

    def select_action(
        self, observation: Any, memory: Any, episode_start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Any]:
        """Return an action for each row of `observation`, and the memory to pass with the next."""
        ...


@runtime_checkable
class Opponent(Protocol):
    """The other players of several games, each of which may have a memory of its own."""

    def select_actions(
        self, players: Int[np.ndarray, "row"], observation: Any, episode_start: Bool[np.ndarray, "row"], /
    ) -> np.ndarray:
        """Return a move for each row of `observation`.

        `players` identify the rows: game × number of players + index of the player in its game. `episode_start` is
        true at the first move of a player in a game.
        """
        ...
