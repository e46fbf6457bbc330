"""Make one environment, or explain in one sentence why that fails."""

import contextlib
import os
import sys
import warnings
from typing import Any

import gymnasium

from sandlot.envs.action_masks import show_mask
from sandlot.envs.adapters import adapt
from sandlot.envs.description import EnvDescription
from sandlot.envs.env_errors import describe_error, user_errors
from sandlot.envs.env_kwargs import made
from sandlot.envs.foreign import make_old_gym
from sandlot.envs.guarded_copy import definition
from sandlot.envs.names import suggestions
from sandlot.envs.registry import EXTRAS, import_ale, install_hint, is_atari, register
from sandlot.envs.user_wrappers import apply_wrappers
from sandlot.envs.wrappers import skip_frames, wrap
from sandlot.tracking import SandlotError
from sandlot.tracking.common.extensions import user_frames

from .atari import make_atari
from .envpool import PoolSingle, pool_ids


def make_single(env_spec: EnvDescription, *, render: bool = False) -> gymnasium.Env:
    """Return the environment `env_spec`; with `render`, one whose `render()` returns RGB arrays.

    Raises `SandlotError` with one sentence about what is wrong with the id, its options or the installation.
    """
    env = env_spec.id
    env_spec.import_modules()
    register(env)
    if render and sys.platform.startswith("linux") and "DISPLAY" not in os.environ:
        os.environ.setdefault("MUJOCO_GL", "egl")
    options: dict[str, Any] = made(env_spec.kwargs) | ({"render_mode": "rgb_array"} if render else {})
    try:
        with warnings.catch_warnings(action="ignore"):
            return _make(env_spec, options, render=render)
    except gymnasium.error.DependencyNotInstalled as error:
        raise SandlotError(_missing_dependency(env, str(error))) from error
    except gymnasium.error.DeprecatedEnv as error:
        raise SandlotError(str(error)) from error
    except (gymnasium.error.UnregisteredEnv, gymnasium.error.Error) as error:
        raise SandlotError(f"there is no environment {env!r}{_suggestions(env)}") from error
    except ModuleNotFoundError as error:
        package = error.name or env.partition(":")[0]
        raise SandlotError(
            f"{env!r} needs the package {package!r}, which is not installed{install_hint(package)}"
        ) from error
    except SandlotError:
        raise
    except Exception as error:
        if render and isinstance(error, TypeError) and "'render_mode'" in str(error):
            raise SandlotError(f"{env} takes no render_mode, so it draws no pictures") from error
        if isinstance(error, TypeError) and not user_frames(error.__traceback__):
            raise SandlotError(f"{env} does not take these options: {error}") from error
        raise SandlotError(f"{env} can't be made: {describe_error(error)}") from error


def _make(env_spec: EnvDescription, options: dict[str, Any], *, render: bool = False) -> gymnasium.Env:
    wrappers = env_spec.resolved_wrappers
    if is_atari(env_spec.id):
        return apply_wrappers(make_atari(env_spec, options), wrappers.wrapper)
    if env_spec.backend == "envpool" and env_spec.id not in gymnasium.registry and env_spec.id in pool_ids():
        return show_mask(PoolSingle(env_spec.id, options))
    if wrappers.time_limit:
        options["max_episode_steps"] = wrappers.time_limit * wrappers.frame_skip
    old = None
    if env_spec.id.rpartition(":")[2] not in gymnasium.registry:
        options.pop("max_episode_steps", None)
        old = make_old_gym(env_spec.id, options, time_limit=wrappers.time_limit * wrappers.frame_skip, render=render)
    env = old or gymnasium.make(env_spec.id, **options)
    try:
        env = adapt(apply_wrappers(env, wrappers.wrapper), env_spec.id, wrappers.reward_weights)
        with user_errors(env_spec.id, definition(env, "reset")):
            env = show_mask(skip_frames(env, wrappers))
        return wrap(env, wrappers)
    except SandlotError:
        env.close()
        raise


def _missing_dependency(env: str, message: str) -> str:
    package = next((package for package in EXTRAS if package.lower() in message.lower()), None)
    return f"{env} needs {message.split(',')[0]}{install_hint(package) if package else ''}"


def _suggestions(env: str) -> str:
    with contextlib.suppress(ModuleNotFoundError):
        import_ale()
    return suggestions(env, pool_ids())
