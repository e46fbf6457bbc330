"""What an environment's id tells: the library that it comes from, and the preprocessing that is standard for it."""

import contextlib
import importlib
import re
from typing import Any

import gymnasium

from sandlot.tracking import SandlotError

from .game_names import game_module
from .names import find_bare, find_in_module
from .user_files import plain_id, register_name
from .wrappers import NONE, Wrappers

PETTINGZOO_PACKAGES = {
    "pettingzoo": ("pettingzoo.classic", "pettingzoo.butterfly", "pettingzoo.sisl", "pettingzoo.atari"),
    "mpe2": ("mpe2",),
}
"""By the first part of an id, the packages that hold PettingZoo's environments."""
EXTRAS = {
    "ale_py": "atari",
    "opencv": "images",
    "envpool": "envpool",
    "mujoco": "mujoco",
    "Box2D": "box2d",
    "jax": "jax",
    "pygame": "classic-control",
}
"""The extra of this package that installs each package an environment may need."""
ATARI_ENTRY_POINT = "ale_py.env:AtariEnv"


def is_game(env: str) -> bool:
    """Return whether the id `env` is a multi-agent environment: one of PettingZoo's, or one like them in a module."""
    env = plain_id(env)
    return env.partition("/")[0] in PETTINGZOO_PACKAGES or (":" in env and game_module(env) is not None)


def is_atari(env: str) -> bool:
    """Return whether the registered id `env` is an Atari game that takes the standard preprocessing."""
    spec = gymnasium.registry.get(env)
    return spec is not None and spec.entry_point == ATARI_ENTRY_POINT and isinstance(spec.kwargs["frameskip"], int)


def newest_version(env: str) -> str:
    """Return the newest registered version of an `env` that is named without one, else `env` as it is."""
    module, colon, name = env.rpartition(":")
    if is_game(env) or name in gymnasium.registry or re.search(r"-v\d+$", name):
        return env
    if module:
        register(env)
    elif name.lower().startswith("ale/"):
        with contextlib.suppress(ModuleNotFoundError):
            import_ale()
    found = [spec for spec in gymnasium.registry.values() if spec.id.rpartition("-v")[0] == name and spec.version]
    newest = max(found, key=lambda spec: spec.version or 0, default=None)
    if newest is None and f"{name}-v0" in gymnasium.registry:
        return f"{module}{colon}{name}-v0"
    return f"{module}{colon}{newest.id}" if newest else env


def register(env: str) -> None:
    """Import the module that registers the id `env`: that which it names, as in `module:id`, or the one it is known by.

    Raises `SandlotError` if there is no such module, or the package is not installed.
    """
    env = plain_id(env)
    if ":" in env:
        find_in_module(env)
        register_name(env)
    if env.lower().startswith("ale/") or "NoFrameskip-v" in env:
        try:
            import_ale()
        except ModuleNotFoundError as error:
            message = f"{env!r} needs the package 'ale_py', which is not installed{install_hint('ale_py')}"
            raise SandlotError(message) from error
    elif ":" not in env:
        find_bare(env)


def import_ale() -> None:
    """Import ALE, which registers its games, and silence its banner."""
    ale_py: Any = importlib.import_module("ale_py")
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)


def install_hint(package: str) -> str:
    """Return how to install `package`, to append to an error message; empty if no extra has it."""
    extra = EXTRAS.get(package)
    return f'; install it with: pip install "sandlot[{extra}]"' if extra else ""


def wrappers_for(env: str) -> Wrappers:
    """Return the standard wrappers for the environment with the id `env`: Atari's preprocessing, or none."""
    env = plain_id(env)
    if is_game(env):
        return NONE
    register(env)
    if not is_atari(env):
        return NONE
    sticky = gymnasium.spec(env).kwargs["repeat_action_probability"]
    return Wrappers(sticky_actions=sticky, grey=True, resize=84, frame_stack=4, reward_clip=1.0, life_loss=True)
