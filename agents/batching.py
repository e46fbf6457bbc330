"""Single observations and batches of them."""

from typing import Any

import numpy as np
from gymnasium import Space, spaces

from sandlot.envs import Observation, tree_leaves, tree_map
from sandlot.tracking import SandlotError


def as_batch(space: Space, observation: Any) -> tuple[Observation, bool]:
    """Return observations of `space` as a batch, and whether it was a single one."""
    single = is_single(space, observation)
    return tree_map(lambda array: np.asarray(array)[None], observation) if single else observation, single


def is_single(space: Space, observation: Any) -> bool:
    """Return whether `observation` is one of `space`, or else a batch of them."""
    while isinstance(space, spaces.Dict | spaces.Tuple):
        key: Any = next(iter(space.keys())) if isinstance(space, spaces.Dict) else 0
        space, observation = space[key], observation[key]
    single, shape = space.shape or (), np.shape(observation)
    if shape == single:
        return True
    if len(shape) == len(single) + 1 and shape[1:] == single:
        return False
    raise SandlotError(f"an observation of this agent has the shape {single}, and this one {shape}")


def check_memory(memory: Any, count: int, axis: int) -> None:
    """Raise `SandlotError` if `memory`, of another call, is not that of `count` observations."""
    for leaf in tree_leaves(memory):
        shape = getattr(leaf, "shape", ())
        if len(shape) > axis and shape[axis] != count:
            raise SandlotError(
                f"the state is that of {shape[axis]} observations, and there are {count}; "
                "pass the state that the last call returned for the same ones, or None"
            )
