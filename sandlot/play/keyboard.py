"""From keys to actions: as Gymnasium's `play` has them, and for environments it has none for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

LEFT, RIGHT, UP, DOWN = "arrowleft", "arrowright", "arrowup", "arrowdown"
NEAR = {LEFT: "a", RIGHT: "d", UP: "w", DOWN: "s"}
"""Letters that lie as the arrows do."""
PYGAME_1 = {273: UP, 274: DOWN, 275: RIGHT, 276: LEFT}
"""Key codes of pygame 1, which some of Gymnasium's environments still use."""
OWN: Mapping[str, tuple[dict[tuple[str, ...], int], int | None]] = {
    "CartPole": ({(LEFT,): 0, (RIGHT,): 1}, None),
    "Acrobot": ({(LEFT,): 0, (RIGHT,): 2}, 1),
    "LunarLander": ({(LEFT,): 1, (UP,): 2, (RIGHT,): 3}, 0),
    "FrozenLake": ({(LEFT,): 0, (DOWN,): 1, (RIGHT,): 2, (UP,): 3}, None),
    "FrozenLake8x8": ({(LEFT,): 0, (DOWN,): 1, (RIGHT,): 2, (UP,): 3}, None),
    "CliffWalking": ({(UP,): 0, (RIGHT,): 1, (DOWN,): 2, (LEFT,): 3}, None),
    "Taxi": ({(DOWN,): 0, (UP,): 1, (RIGHT,): 2, (LEFT,): 3, ("p",): 4, ("o",): 5}, None),
}
"""By name of an environment: its keys, and the action of no key, if there is one that does nothing."""
SIGNS = {LEFT: "←", RIGHT: "→", UP: "↑", DOWN: "↓", " ": "␣"}
DIGITS = "123456789"


@dataclass(frozen=True)
class Keyboard:
    """The keys of an environment."""

    actions: Mapping[tuple[str, ...], Any]
    """By the keys that are down, what is done."""
    idle: tuple[Any, ...]
    """What is done in turn while no key is down."""
    waits: bool
    """Whether nothing happens until a key is pressed: nothing moves by itself there."""

    @property
    def buttons(self) -> list[dict[str, str]]:
        """The keys one by one, for a screen without a keyboard."""
        keys = dict.fromkeys(key for combination in self.actions for key in combination)
        return [{"key": key, "sign": SIGNS.get(key, key)} for key in keys]

    def action(self, down: Iterable[str], time: int) -> Any:
        """Return what the keys that are `down` do at env step `time`: the most of them that mean something."""
        pressed = set(down) | {
            other for arrow, letter in NEAR.items() for key, other in ((arrow, letter), (letter, arrow)) if key in down
        }
        fitting = [keys for keys in self.actions if keys and set(keys) <= pressed]
        if not fitting:
            return self.idle[time % len(self.idle)]
        return self.actions[max(fitting, key=len)]


def keyboard_for(env: gymnasium.Env) -> Keyboard | None:
    """Return the keys of `env`, or None if it can't be played by keys."""
    space = env.action_space
    name = env.spec.name if env.spec is not None else ""
    waits = env.spec is not None and "toy_text" in str(env.spec.entry_point)
    if isinstance(space, spaces.Box) and space.is_bounded() and space.shape in ((1,), (2,)):
        return _of_numbers(space)
    if not isinstance(space, spaces.Discrete):
        return None
    if name in OWN:
        actions, idle = OWN[name]
        return Keyboard(actions, tuple(actions.values())[:2] if idle is None else (idle,), waits)
    if env.has_wrapper_attr("get_keys_to_action"):
        actions = {
            tuple(map(_key, keys)): action for keys, action in env.get_wrapper_attr("get_keys_to_action")().items()
        }
        return Keyboard(actions, (actions.get((), 0),), waits)
    if space.n > len(DIGITS):
        return None
    first = int(space.start)
    return Keyboard({(digit,): first + i for i, digit in enumerate(DIGITS[: int(space.n)])}, (first,), waits)


def _of_numbers(space: spaces.Box) -> Keyboard:
    """Return keys that push one or two numbers to their bounds."""
    middle = np.clip(np.zeros(space.shape), space.low, space.high).astype(space.dtype)
    actions: dict[tuple[str, ...], Any] = {}
    sides = ((LEFT, RIGHT), (DOWN, UP)) if space.shape == (1,) else ((DOWN, UP), (LEFT, RIGHT))
    for index in range(space.shape[0]):
        for key, bound in zip(sides[index], (space.low, space.high), strict=True):
            pushed = middle.copy()
            pushed[index] = bound[index]
            actions[(key,)] = pushed
    return Keyboard(actions, (middle,), False)


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key.lower()
    return PYGAME_1.get(key) or chr(key).lower()
