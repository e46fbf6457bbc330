"""Action masks, as an entry of the observation.

PettingZoo's environments have it there already. Others return it in `info["action_mask"]` (Gymnasium's Taxi) or by a
method `action_masks()` (sb3-contrib's convention). As an entry of the observation, a mask needs no extra handling in
rollouts, replay, evaluation and videos.
"""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import Space, spaces
from jaxtyping import Bool, Int8

from sandlot.tracking import SandlotError

from .guarded_copy import checked

MASK, REST = "action_mask", "observation"
METHOD = "action_masks"


class ShowMask(gymnasium.Wrapper):
    """Add the action mask of `env` to its observations, with 1 for each legal action."""

    def __init__(self, env: gymnasium.Env):
        super().__init__(env)
        self._choices = choices(env.action_space)
        mask = spaces.Box(0, 1, (self._choices,), np.int8)
        self.observation_space = spaces.Dict({REST: env.observation_space, MASK: mask})
        self._method = mask_method(env)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        return self._with_mask(observation, info, over=False), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        over = bool(terminated or truncated)
        return self._with_mask(observation, info, over), reward, terminated, truncated, info

    def _with_mask(self, observation: Any, info: dict[str, Any], over: bool) -> dict[str, Any]:
        mask = self._method() if self._method else info.get(MASK)
        if mask is None and over:  # after the last action there is nothing to forbid
            mask = np.ones(self._choices, np.int8)
        return {REST: observation, MASK: as_mask(mask, self._choices)}


def show_mask(env: gymnasium.Env) -> gymnasium.Env:
    """Return `env` with its action mask in the observations, if it has one elsewhere."""
    if has_mask(env.observation_space) or not choices(env.action_space):
        return env
    if mask_method(env) is None:
        _, info = checked(env.reset(seed=0))
        if not isinstance(info, dict) or info.get(MASK) is None:
            return env
    return ShowMask(env)


def has_mask(space: Space) -> bool:
    """Return whether observations of `space` contain an action mask."""
    return isinstance(space, spaces.Dict) and MASK in space.spaces


def as_mask(mask: Any, count: int) -> Int8[np.ndarray, "choice"]:
    """Return an action mask, of several choices perhaps as one array for each, as one array of `count` entries.

    Raises `SandlotError` if it has another number of entries.
    """
    if mask is None:
        raise SandlotError(f"the environment gives no {MASK!r} with an observation, and gave one with its first")
    parts = mask if isinstance(mask, tuple | list) else [mask]
    flat = np.concatenate([np.ravel(np.asarray(part)) for part in parts]).astype(np.int8)
    if len(flat) != count:
        raise SandlotError(f"an action mask has {len(flat)} entries, and the actions want {count}")
    return flat


def mask_rows(space: Space, masks: Any, count: int) -> Bool[np.ndarray, "batch choice"]:
    """Return action masks for `count` observations, given as one for all, or as one for each.

    Raises `SandlotError` if actions of `space` can't be masked, or the masks have another shape.
    """
    size = choices(space)
    if not size:
        raise SandlotError(f"actions of the space {space} can't be masked")
    parts = masks if isinstance(masks, tuple | list) else ()
    if isinstance(space, spaces.MultiDiscrete) and [np.size(part) for part in parts] == space.nvec.tolist():
        masks = np.concatenate([np.ravel(part) for part in parts])
    try:
        return np.broadcast_to(np.asarray(masks, bool), (count, size))
    except ValueError:
        given = np.shape(masks) if not parts else f"({len(parts)}, …)"
        raise SandlotError(f"action_masks must have the shape ({size},) or ({count}, {size}), not {given}") from None


def with_mask(space: Space, observation: Any, mask: Any) -> Any:
    """Return `observation` and `mask` combined as in `space`; without a `mask`, all actions are legal."""
    if not has_mask(space) or isinstance(observation, dict):
        return observation
    assert isinstance(space, spaces.Dict)
    legal = space[MASK].shape or ()
    leading = np.shape(observation)[: np.ndim(observation) - len(space[REST].shape or ())]
    full: Int8[np.ndarray, "*batch action"] = np.ones((*leading, *legal), np.int8)
    return {REST: observation, MASK: full if mask is None else np.asarray(mask, np.int8).reshape(full.shape)}


def choices(space: Space) -> int:
    """Return the length of an action mask for the action space `space`; 0 if it can't be masked."""
    match space:
        case spaces.Discrete():
            return int(space.n)
        case spaces.MultiDiscrete() if space.nvec.ndim == 1:
            return int(space.nvec.sum())
        case spaces.MultiBinary() if len(space.shape) == 1:
            return space.shape[0]
        case _:
            return 0


def chosen(space: Space, action: Any) -> Bool[np.ndarray, "choice"]:
    """Return `action` one-hot encoded in the layout of an action mask; empty for spaces that can't be masked."""
    taken, number = np.zeros(choices(space), bool), np.atleast_1d(action)
    match space:
        case spaces.Discrete():
            taken[number - space.start] = True
        case spaces.MultiDiscrete():
            taken[number - space.start + np.cumsum(space.nvec) - space.nvec] = True
        case spaces.MultiBinary():
            taken[:] = number
    return taken


def mask_method(env: gymnasium.Env) -> Callable[[], Any] | None:
    """Return the method of `env` that returns its action mask, if it has one."""
    method = env.get_wrapper_attr(METHOD) if env.has_wrapper_attr(METHOD) else None
    return method if callable(method) else None


def sample_legal(env: gymnasium.Env, observation: Any) -> Any:
    """Sample an action of `env` that is legal after `observation`."""
    space = env.action_space
    if not has_mask(env.observation_space):
        return space.sample()
    mask = np.asarray(observation[MASK], np.int8)
    if isinstance(space, spaces.MultiDiscrete):
        return space.sample(mask=tuple(np.split(mask, np.cumsum(space.nvec)[:-1])))
    return space.sample(mask=mask)
