"""Map keys to actions: Gymnasium's own `keys_to_action`, and maps for environments without."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

LEFT, RIGHT, UP, DOWN = "arrowleft", "arrowright", "arrowup", "arrowdown"
NEAR = {LEFT: "a", RIGHT: "d", UP: "w", DOWN: "s"}
"""Letter keys in place of arrows."""
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
"""Keys of environments by name, and the no-op action, if there is one."""
SIGNS = {LEFT: "←", RIGHT: "→", UP: "↑", DOWN: "↓", " ": "␣"}
DIGITS = "123456789"


@dataclass(frozen=True)
class Keyboard:
    """Key map of an environment."""

    actions: Mapping[tuple[str, ...], Any]
    """Actions by pressed keys."""
    idle: tuple[Any, ...]
    """Actions in turn while no key is pressed."""
    waits: bool
    """Whether the environment waits for a key, since nothing moves by itself."""

    @property
    def buttons(self) -> list[dict[str, str]]:
        """The keys for buttons on a screen without a keyboard."""
        keys = dict.fromkeys(key for combination in self.actions for key in combination)
        return [{"key": key, "sign": SIGNS.get(key, key)} for key in keys]

    def action(self, down: Iterable[str], time: int) -> Any:
        """Return the action of the pressed keys `down` at env step `time`, for the largest subset that has one."""
        pressed = set(down) | {
            other for arrow, letter in NEAR.items() for key, other in ((arrow, letter), (letter, arrow)) if key in down
        }
        fitting = [keys for keys in self.actions if keys and set(keys) <= pressed]
        if not fitting:
            return self.idle[time % len(self.idle)]
        return self.actions[max(fitting, key=len)]


def keyboard_for(env: gymnasium.Env) -> Keyboard | None:
    """Return the key map of `env`, or None if it has none."""
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
    """Return a key map that sets one or two continuous actions to their bounds."""
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
