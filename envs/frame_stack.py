"""Stacks of the latest observations, of any space."""

from collections import deque
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import Space, spaces
from gymnasium.vector.utils import batch_space

from .action_masks import MASK, has_mask


class FrameStack(gymnasium.Wrapper):
    """Show the last `size` observations, the latest last; of a mask only the latest.

    At an episode's start the first observation stands for those before it.
    """

    def __init__(self, env: gymnasium.Env, size: int):
        super().__init__(env)
        self.observation_space = stacked_space(env.observation_space, size)
        self._frames: deque[Any] = deque(maxlen=size)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        self._frames.extend([observation] * (self._frames.maxlen or 1))
        return self._stacked(), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._frames.append(observation)
        return self._stacked(), reward, terminated, truncated, info

    def _stacked(self) -> Any:
        return stack(self.env.observation_space, self._frames)


def stacked_space(space: Space, size: int) -> Space:
    """Return the space of `size` observations of `space`, one after the other."""
    match space:
        case spaces.Dict():
            masked = has_mask(space)
            return spaces.Dict(
                {key: part if masked and key == MASK else stacked_space(part, size) for key, part in space.items()}
            )
        case spaces.Tuple():
            return spaces.Tuple([stacked_space(part, size) for part in space])
        case spaces.MultiDiscrete():
            nvec, start = (np.stack([array] * size) for array in (space.nvec, space.start))
            return spaces.MultiDiscrete(nvec, dtype=space.dtype.type, start=start)
        case _:
            return batch_space(space, size)


def stack(space: Space, observations: Sequence[Any]) -> Any:
    """Return observations of `space` as one of `stacked_space`."""
    match space:
        case spaces.Dict():
            masked = has_mask(space)
            return {
                key: observations[-1][key]
                if masked and key == MASK
                else stack(part, [seen[key] for seen in observations])
                for key, part in space.items()
            }
        case spaces.Tuple():
            return tuple(stack(part, [seen[at] for seen in observations]) for at, part in enumerate(space))
        case _ if space.shape is None:
            return tuple(observations)
        case _:
            return np.stack([np.asarray(seen, space.dtype) for seen in observations])
