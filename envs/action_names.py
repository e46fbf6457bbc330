"""Names of actions."""

import enum
from typing import Any

import gymnasium
from gymnasium import spaces

from .action_masks import choices

NAMES = {
    "CartPole": ("left", "right"),
    "MountainCar": ("left", "coast", "right"),
    "MountainCarContinuous": ("force",),
    "Acrobot": ("torque −1", "torque 0", "torque +1"),
    "Pendulum": ("torque",),
    "FrozenLake": ("left", "down", "right", "up"),
    "FrozenLake8x8": ("left", "down", "right", "up"),
    "CliffWalking": ("up", "right", "down", "left"),
    "CliffWalkingSlippery": ("up", "right", "down", "left"),
    "Taxi": ("south", "north", "east", "west", "pick up", "drop off"),
    "Blackjack": ("stick", "hit"),
    "LunarLander": ("coast", "fire left", "fire main", "fire right"),
    "LunarLanderContinuous": ("main", "side"),
    "BipedalWalker": ("hip 1", "knee 1", "hip 2", "knee 2"),
    "BipedalWalkerHardcore": ("hip 1", "knee 1", "hip 2", "knee 2"),
    "CarRacing": ("steer", "gas", "brake"),
}
"""Names of actions, by environment name without namespace and version."""
NAMES_BY_COUNT = {("CarRacing", 5): ("coast", "right", "left", "gas", "brake"), ("LunarLander", 2): ("main", "side")}
"""Names for options of an environment that change its number of actions."""


ARROWS = {
    "UP": "↑", "DOWN": "↓", "LEFT": "←", "RIGHT": "→", "UPLEFT": "↖", "UPRIGHT": "↗", "DOWNLEFT": "↙", "DOWNRIGHT": "↘",
}  # fmt: skip


def action_names(env: gymnasium.Env) -> tuple[str, ...]:
    """Return the names of the discrete actions of `env`, or of its action's entries; "0", "1" … if unknown."""
    core: Any = env.unwrapped
    count = choices(env.action_space) or _size(env.action_space)
    kind = env.spec.name if env.spec is not None else ""
    for names in (NAMES_BY_COUNT.get((kind, count)), NAMES.get(kind), _declared_names(core)):
        if names is not None and len(names) == count:
            return names
    return tuple(map(str, range(count)))


def _declared_names(core: Any) -> tuple[str, ...] | None:
    """Return the names that the environment declares, as Atari, MiniGrid and MuJoCo do."""
    if hasattr(core, "get_action_meanings"):
        return tuple(map(_atari_name, core.get_action_meanings()))
    actions = getattr(core, "actions", None)
    if isinstance(actions, type) and issubclass(actions, enum.Enum):
        return tuple(action.name for action in actions)
    model: Any = getattr(core, "model", None)
    if hasattr(model, "nu") and hasattr(model, "actuator"):
        return tuple(model.actuator(index).name or str(index) for index in range(model.nu))
    return None


def _atari_name(meaning: str) -> str:
    """Return ALE's name of an action abbreviated: UPRIGHTFIRE becomes ↗ fire."""
    where = meaning.removesuffix("FIRE")
    return f"{ARROWS.get(where, where.lower())} {meaning.removeprefix(where).lower()}".strip()


def _size(space: gymnasium.Space) -> int:
    return int(space.low.size) if isinstance(space, spaces.Box) else 0
