"""From observations to rows of a table."""

from typing import Any

import numpy as np
from gymnasium import Space, spaces
from jaxtyping import Bool, Int

from sandlot.envs import MASK, REST
from sandlot.tracking import SandlotError


class StateIndex:
    """Number the observations of a discrete space, and read the action mask beside them if there is one.

    Args:
        space: Discrete, MultiDiscrete, MultiBinary, a Tuple of them, or a Dict of one of them and an action mask.
        agent: The name of the agent, for the error if it is another space.
    """

    given_mask: Bool[np.ndarray, "batch action"] | None = None
    """Allowed actions of each row, whatever the observations tell."""

    def __init__(self, space: Space, agent: str):
        bare = space
        self.masked = isinstance(space, spaces.Dict) and set(space.spaces) == {MASK, REST}
        if isinstance(space, spaces.Dict) and self.masked:
            bare = space[REST]
        self._is_tuple = isinstance(bare, spaces.Tuple)
        ranges = [_ranges(entry) for entry in bare] if isinstance(bare, spaces.Tuple) else [_ranges(bare)]
        if not ranges or None in ranges:
            raise SandlotError(
                f"{agent} keeps a table, so it reads Discrete, MultiDiscrete and MultiBinary observations and "
                f"Tuples of them, not {space}; agents with networks, such as ppo, can"
            )
        starts, self.sizes = (np.concatenate(side) for side in zip(*(r for r in ranges if r), strict=True))
        self.num_states = int(np.prod(self.sizes.astype(object)))
        self._strides = np.append(np.cumprod(self.sizes[:0:-1])[::-1], 1)
        self._offset = int(starts @ self._strides)
        self._is_scalar = isinstance(bare, spaces.Discrete)

    def encode(self, observation: Any) -> tuple[Int[np.ndarray, "batch"], Bool[np.ndarray, "batch action"] | None]:
        """Return the number of each row's state, and which actions are allowed there (None: all)."""
        action_mask = self.given_mask
        if self.masked:
            action_mask = observation[MASK] > 0 if action_mask is None else action_mask
            observation = observation[REST]
        # No action is allowed at the end of an episode, yet one is chosen.
        if action_mask is not None and not action_mask.any(1).all():
            action_mask = action_mask | ~action_mask.any(1, keepdims=True)
        if self._is_tuple:
            observation = np.concatenate([np.reshape(entry, (len(entry), -1)) for entry in observation], 1)
        state = observation if self._is_scalar else np.asarray(observation, np.int64) @ self._strides
        return (state - self._offset if self._offset else state), action_mask


def _ranges(space: Space) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the lowest values of a discrete `space` and how many there are, or None if it is not discrete."""
    match space:
        case spaces.Discrete():
            return np.array([int(space.start)]), np.array([int(space.n)])
        case spaces.MultiDiscrete() if space.nvec.ndim == 1:
            return space.start.astype(np.int64), space.nvec.astype(np.int64)
        case spaces.MultiBinary() if len(space.shape) == 1:
            return np.zeros(space.shape[0], np.int64), np.full(space.shape[0], 2)
        case _:
            return None
