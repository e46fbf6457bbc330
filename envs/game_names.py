"""Games of PettingZoo's interface from any module, named `module:name`."""

import importlib
import inspect
import types
import warnings
from functools import cache
from typing import Any, NamedTuple

import gymnasium

from sandlot.tracking import SandlotError
from sandlot.tracking.common.extensions import import_user_module, is_reference

from .names import is_installed


class GameModule(NamedTuple):
    """What makes a game, as PettingZoo's modules have it: in turns, or with all players at once."""

    env: Any = None
    parallel_env: Any = None


@cache
def game_module(name: str) -> GameModule | None:
    """Return what makes the game called `module:name`, or None if that is no game.

    The name is that of a module with `env` or `parallel_env` (`magent2.environments:battle_v4`), of such a function,
    or of a class of PettingZoo's.
    """
    if not is_reference(name):
        return None
    module, _, attribute = name.partition(":")
    with warnings.catch_warnings(action="ignore"):
        try:
            imported = import_user_module(module)
        except SandlotError:
            return None  # making the environment tells why
        if attribute in gymnasium.registry:
            return None
        found = getattr(imported, attribute, None)
        if found is None and hasattr(imported, "__path__") and is_installed(f"{module}.{attribute}"):
            try:
                found = importlib.import_module(f"{module}.{attribute}")
            except ImportError as error:
                raise SandlotError(f"{name} needs a package that is not installed: {error}") from error
        return None if found is None else _as_game(found, attribute)


def _as_game(found: Any, name: str) -> GameModule | None:
    if isinstance(found, types.ModuleType):
        env = getattr(found, "env", None) or getattr(found, "raw_env", None)
        parallel = getattr(found, "parallel_env", None)
        return GameModule(env, parallel) if callable(env) or callable(parallel) else None
    if inspect.isclass(found):
        kinds = {kind.__name__ for kind in found.__mro__ if kind.__module__.startswith("pettingzoo.")}
        if "ParallelEnv" in kinds:
            return GameModule(parallel_env=found)
        return GameModule(env=found) if "AECEnv" in kinds else None
    if callable(found):
        if "parallel" in name:
            return GameModule(parallel_env=found)
        return GameModule(env=found) if name in ("env", "raw_env") else None
    return None
