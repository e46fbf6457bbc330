"""What the players of PettingZoo's environments observe, changed: masks from infos, images smaller or grey, stacks."""

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium import Space, spaces

from sandlot.envs.action_masks import MASK, REST, as_mask, choices, has_mask
from sandlot.envs.frame_stack import stack, stacked_space
from sandlot.envs.images import image_transform
from sandlot.envs.wrappers import Wrappers
from sandlot.tracking import SandlotError

GAME_WRAPPERS = ("wrapper", "grey", "resize", "frame_stack")
"""Fields of `Wrappers` that games of several players take."""


class PlayerView:
    """How what one player observes is shown to the learner."""

    def __init__(self, space: Space, action_space: Space, masked: bool, wrappers: Wrappers):
        self._choices = choices(action_space) if masked and not has_mask(space) else 0
        if self._choices:
            space = spaces.Dict({REST: space, MASK: spaces.Box(0, 1, (self._choices,), np.int8)})
        self._apply: Callable[[Any], Any] | None = None
        if wrappers.grey or wrappers.resize:
            space, self._apply = image_transform(space, wrappers.grey, wrappers.resize)
        self._frame_space, self._size = space, wrappers.frame_stack
        self.space = space if self._size == 1 else stacked_space(space, self._size)
        self._past: deque[Any] = deque(maxlen=max(self._size - 1, 1))

    def reset(self) -> None:
        """Begin a game."""
        self._past.clear()

    def see(self, observation: Any, info: Any, over: bool, *, keep: bool) -> Any:
        """Return the view of an observation; `keep` it as one that later views show too."""
        if self._choices:
            mask = info.get(MASK) if isinstance(info, dict) else None
            if mask is None and over:
                mask = np.ones(self._choices, np.int8)
            observation = {REST: observation, MASK: as_mask(mask, self._choices)}
        if self._apply is not None:
            observation = self._apply(observation)
        if self._size == 1:
            return observation
        before = list(self._past) or [observation]
        if keep:
            self._past.append(observation)
        frames = [*before, observation]
        return stack(self._frame_space, [frames[0]] * (self._size - len(frames)) + frames[-self._size :])


def check_game_wrappers(name: str, wrappers: Wrappers) -> None:
    """Raise `SandlotError` if `wrappers` do more than games of several players take."""
    plain = Wrappers(**{field: getattr(wrappers, field) for field in GAME_WRAPPERS})
    if wrappers != plain:
        raise SandlotError(
            f"{name} is a multi-agent environment, which takes no wrappers other than grey, resize, frame_stack, and "
            "functions by --wrapper, such as supersuit:dtype_v0"
        )
