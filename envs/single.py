"""From a world to one environment, or to a sentence about why there is none."""

import difflib
import importlib
import warnings
from typing import TYPE_CHECKING, Any

import gymnasium

from tracking import SandlotError

from .masks import show_mask

if TYPE_CHECKING:
    from .world import World

EXTRAS = {"ale_py": "atari", "mujoco": "mujoco", "Box2D": "box2d", "jax": "jax", "pygame": "classic-control"}
"""Packages that environments need beyond ours, and what to install them with."""


def make_single(world: "World", *, render: bool = False) -> gymnasium.Env:
    """Return the environment `world`; with `render`, one whose `render()` gives pictures.

    Raises `SandlotError` with one sentence about what is wrong with the id, its options or the installation.
    """
    env = world.id
    register(env)
    options: dict[str, Any] = dict(world.kwargs) | ({"render_mode": "rgb_array"} if render else {})
    try:
        with warnings.catch_warnings(action="ignore"):
            return show_mask(gymnasium.make(env, **options))
    except gymnasium.error.DependencyNotInstalled as error:
        raise SandlotError(_missing(env, str(error))) from error
    except gymnasium.error.DeprecatedEnv as error:
        raise SandlotError(str(error)) from error
    except (gymnasium.error.UnregisteredEnv, gymnasium.error.Error) as error:
        raise SandlotError(f"there is no environment {env!r}{_near(env)}") from error
    except ModuleNotFoundError as error:
        package = error.name or env.partition(":")[0]
        raise SandlotError(f"{env!r} needs the package {package!r}, which is not installed{_extra(package)}") from error
    except TypeError as error:
        raise SandlotError(f"{env} does not take these options: {error}") from error


def register(env: str) -> None:
    """Import the package that registers the ids of `env`'s namespace."""
    if env.startswith("ALE/"):
        try:
            importlib.import_module("ale_py")
        except ModuleNotFoundError as error:
            raise SandlotError(
                f"{env!r} needs the package 'ale_py', which is not installed{_extra('ale_py')}"
            ) from error


def _missing(env: str, message: str) -> str:
    package = next((package for package in EXTRAS if package.lower() in message.lower()), None)
    return f"{env} needs {message.split(',')[0]}{_extra(package) if package else ''}"


def _extra(package: str) -> str:
    extra = EXTRAS.get(package)
    return f'; install it with: pip install "sandlot[{extra}]"' if extra else ""


def _near(env: str) -> str:
    ids = list(gymnasium.registry)
    folded = {name.lower(): name for name in ids}
    near = [folded[name] for name in difflib.get_close_matches(env.lower(), folded, n=3, cutoff=0.6)]
    return f"; did you mean {', '.join(near)}?" if near else "; `sandlot train --help` shows examples"
