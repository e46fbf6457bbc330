"""From an observation space to the rows of a table."""

from typing import Any

import numpy as np
from gymnasium import Space, spaces
from jaxtyping import Bool, Int

from sandlot.envs import MASK, REST
from sandlot.tracking import SandlotError


class States:
    """Number the observations of a space of choices, and read the action mask beside them if there is one."""

    def __init__(self, space: Space, agent: str):
        self.masked = isinstance(space, spaces.Dict) and set(space.spaces) == {MASK, REST}
        bare = space[REST] if self.masked else space  # pyright: ignore[reportIndexIssue]
        self._split = isinstance(bare, spaces.Tuple)
        parts = [_choices(part) for part in bare] if isinstance(bare, spaces.Tuple) else [_choices(bare)]
        if not parts or None in parts:
            raise SandlotError(
                f"{agent} keeps a table, so it reads Discrete, MultiDiscrete and MultiBinary observations and "
                f"Tuples of them, not {space}; agents with networks, such as ppo, can"
            )
        self.starts, self.sizes = (np.concatenate(side) for side in zip(*(p for p in parts if p), strict=True))
        self.count = int(np.prod(self.sizes.astype(object)))
        """How many states there are."""
        self._strides = np.append(np.cumprod(self.sizes[:0:-1])[::-1], 1)
        self._offset = int(self.starts @ self._strides)
        self._scalar = isinstance(bare, spaces.Discrete)

    def read(self, observation: Any) -> tuple[Int[np.ndarray, "batch"], Bool[np.ndarray, "batch action"] | None]:
        """Return the number of each row's state, and which actions are allowed there (None: all)."""
        allowed = None
        if self.masked:
            allowed = observation[MASK] > 0
            if not allowed.any(1).all():  # nothing is to be done at the end of an episode, but asked all the same
                allowed = allowed | ~allowed.any(1, keepdims=True)
            observation = observation[REST]
        if self._split:
            observation = np.concatenate([np.reshape(part, (len(part), -1)) for part in observation], 1)
        state = observation if self._scalar else np.asarray(observation, np.int64) @ self._strides
        return (state - self._offset if self._offset else state), allowed


def _choices(space: Space) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the lowest values and the numbers of choices of `space`, if it is one of choices."""
    match space:
        case spaces.Discrete():
            return np.array([int(space.start)]), np.array([int(space.n)])
        case spaces.MultiDiscrete() if space.nvec.ndim == 1:
            return space.start.astype(np.int64), space.nvec.astype(np.int64)
        case spaces.MultiBinary() if len(space.shape) == 1:
            return np.zeros(space.shape[0], np.int64), np.full(space.shape[0], 2)
        case _:
            return None
