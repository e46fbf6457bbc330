"""PettingZoo's environments by id."""

import difflib
import importlib
import os
import pkgutil
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from sandlot.envs.env_errors import describe_error
from sandlot.envs.env_kwargs import made
from sandlot.envs.game_names import game_module
from sandlot.envs.registry import PETTINGZOO_PACKAGES
from sandlot.envs.user_wrappers import apply_wrappers
from sandlot.tracking import SandlotError


def module_of(env: str) -> Any:
    """Return the module of the environment `env`, or raise `SandlotError` about the id or the installation."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    if ":" in env and (found := game_module(env)) is not None:
        return found
    distribution, _, name = env.partition("/")
    for package in PETTINGZOO_PACKAGES[distribution]:
        if name in _names(package):
            try:
                with warnings.catch_warnings(action="ignore"):
                    return importlib.import_module(f"{package}.{name}")
            except ImportError as error:
                raise SandlotError(f"{env} needs a package that is not installed: {error}") from error
    known = [f"{distribution}/{name}" for package in PETTINGZOO_PACKAGES[distribution] for name in _names(package)]
    if not known:
        raise SandlotError(f"{env!r} needs the package {distribution!r}, which is not installed{_extra(distribution)}")
    near = difflib.get_close_matches(env, known, n=3)
    raise SandlotError(f"there is no environment {env!r}; " + (f"did you mean {', '.join(near)}?" if near else "")
                       + ("" if near else f"there are {', '.join(known)}"))  # fmt: skip


def all_games() -> list[str]:
    """Return the ids of all games of PettingZoo and the packages beside it that are installed."""
    return [f"{distribution}/{name}" for distribution, packages in PETTINGZOO_PACKAGES.items()
            for package in packages for name in _names(package)]  # fmt: skip


def make_game(
    env: str, kind: str, kwargs: Mapping[str, Any], *, render: bool = False, wrapper: Sequence[str] = ()
) -> Any:
    """Return an environment of the `kind` "env" (turn-based) or "parallel_env" (all players act at once).

    The wrappers, as `module:function`, are those that take a game, such as SuperSuit's.
    """
    options = made(kwargs) | ({"render_mode": "rgb_array"} if render else {})
    module = module_of(env)
    try:
        with warnings.catch_warnings(action="ignore"):
            return apply_wrappers(getattr(module, kind)(**options), wrapper)
    except SandlotError:
        raise
    except TypeError as error:
        if render and "'render_mode'" in str(error):
            raise SandlotError(f"{env} takes no render_mode, so it draws no pictures") from error
        raise SandlotError(f"{env} does not take these options: {error}") from error
    except (ImportError, AttributeError) as error:
        raise SandlotError(f"{env} can't be made: {error}") from error
    except Exception as error:
        raise SandlotError(f"{env} can't be made: {describe_error(error)}") from error


def _names(package: str) -> list[str]:
    try:
        module = importlib.import_module(package)
    except ImportError:
        return []
    return [found.name for found in pkgutil.iter_modules(module.__path__) if re.search(r"_v\d+$", found.name)]


def _extra(distribution: str) -> str:
    return '; install it with: pip install "sandlot[mpe2]"' if distribution == "mpe2" else ""
