"""What an environment's id tells: the library that it comes from, and the preprocessing that is standard for it."""

import importlib
from typing import Any

import gymnasium

from sandlot.tracking import SandlotError
from sandlot.tracking.common.extensions import import_user_module

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
    """Return whether the id `env` is one of PettingZoo's multi-agent environments."""
    return env.partition("/")[0] in PETTINGZOO_PACKAGES


def is_atari(env: str) -> bool:
    """Return whether the registered id `env` is an Atari game that takes the standard preprocessing."""
    spec = gymnasium.registry.get(env)
    return spec is not None and spec.entry_point == ATARI_ENTRY_POINT and isinstance(spec.kwargs["frameskip"], int)


def register(env: str) -> None:
    """Import the module that registers the id `env`, if it is one of ALE's or names its module, as in `module:id`.

    Raises `SandlotError` if there is no such module.
    """
    if ":" in env:
        module, name = env.split(":", 1)
        if not module or not name or ":" in name:
            raise SandlotError(f"there is no environment {env!r}; an id is a name, or module:name")
        import_user_module(module)
    if env.lower().startswith("ale/") or "NoFrameskip-v" in env:
        try:
            import_ale()
        except ModuleNotFoundError as error:
            message = f"{env!r} needs the package 'ale_py', which is not installed{install_hint('ale_py')}"
            raise SandlotError(message) from error


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
    if is_game(env):
        return NONE
    register(env)
    if not is_atari(env):
        return NONE
    sticky = gymnasium.spec(env).kwargs["repeat_action_probability"]
    return Wrappers(sticky_actions=sticky, grey=True, resize=84, frame_stack=4, reward_clip=1.0, life_loss=True)
