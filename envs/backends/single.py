"""From a world to one environment, or to a sentence about why there is none."""

import contextlib
import difflib
import importlib
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

import gymnasium

from sandlot.envs.action_masks import show_mask
from sandlot.envs.wrappers import wrap
from sandlot.tracking import SandlotError
from sandlot.tracking.common.extensions import import_user_module

from .atari import is_atari, make_atari, quiet
from .envpool import PoolSingle, pool_ids

if TYPE_CHECKING:
    from sandlot.envs.spec import EnvSpec

EXTRAS = {
    "ale_py": "atari",
    "opencv": "images",
    "envpool": "envpool",
    "mujoco": "mujoco",
    "Box2D": "box2d",
    "jax": "jax",
    "pygame": "classic-control",
}
"""Packages that environments need beyond ours, and what to install them with."""


def make_single(env_spec: "EnvSpec", *, render: bool = False) -> gymnasium.Env:
    """Return the environment `env_spec`; with `render`, one whose `render()` gives pictures.

    Raises `SandlotError` with one sentence about what is wrong with the id, its options or the installation.
    """
    env = env_spec.id
    register(env)
    if render and sys.platform.startswith("linux") and "DISPLAY" not in os.environ:
        os.environ.setdefault("MUJOCO_GL", "egl")
    options: dict[str, Any] = dict(env_spec.kwargs) | ({"render_mode": "rgb_array"} if render else {})
    try:
        with warnings.catch_warnings(action="ignore"):
            return show_mask(_make(env_spec, options))
    except gymnasium.error.DependencyNotInstalled as error:
        raise SandlotError(_missing(env, str(error))) from error
    except gymnasium.error.DeprecatedEnv as error:
        raise SandlotError(str(error)) from error
    except (gymnasium.error.UnregisteredEnv, gymnasium.error.Error) as error:
        raise SandlotError(f"there is no environment {env!r}{_near(env)}") from error
    except ModuleNotFoundError as error:
        package = error.name or env.partition(":")[0]
        raise SandlotError(f"{env!r} needs the package {package!r}, which is not installed{extra(package)}") from error
    except TypeError as error:
        raise SandlotError(f"{env} does not take these options: {error}") from error


def _make(env_spec: "EnvSpec", options: dict[str, Any]) -> gymnasium.Env:
    if is_atari(env_spec.id):
        return make_atari(env_spec, options)
    if env_spec.backend == "envpool" and env_spec.id not in gymnasium.registry and env_spec.id in pool_ids():
        return PoolSingle(env_spec.id, options)
    if env_spec.resolved_wrappers.time_limit:
        options["max_episode_steps"] = env_spec.resolved_wrappers.time_limit
    return wrap(gymnasium.make(env_spec.id, **options), env_spec.resolved_wrappers)


def register(env: str) -> None:
    """Import the package that registers the id `env`, if we know of one or if the id names it (`module:id`)."""
    if ":" in env:
        import_user_module(env.partition(":")[0])
    if env.lower().startswith("ale/") or "NoFrameskip-v" in env:
        try:
            quiet(importlib.import_module("ale_py"))
        except ModuleNotFoundError as error:
            raise SandlotError(
                f"{env!r} needs the package 'ale_py', which is not installed{extra('ale_py')}"
            ) from error


def _missing(env: str, message: str) -> str:
    package = next((package for package in EXTRAS if package.lower() in message.lower()), None)
    return f"{env} needs {message.split(',')[0]}{extra(package) if package else ''}"


def extra(package: str) -> str:
    """Return the words that tell how to install `package`, if an extra of ours does."""
    extra = EXTRAS.get(package)
    return f'; install it with: pip install "sandlot[{extra}]"' if extra else ""


def _near(env: str) -> str:
    with contextlib.suppress(ModuleNotFoundError):
        quiet(importlib.import_module("ale_py"))
    ids = {name.lower(): name for name in gymnasium.registry}
    ids = {name.lower(): f"{name} with --backend envpool" for name in pool_ids()} | ids
    near = [ids[name] for name in difflib.get_close_matches(env.lower(), ids, n=3, cutoff=0.6)]
    return f"; did you mean {', '.join(near)}?" if near else "; `sandlot train --help` shows examples"
