"""From an environment's id to a batch of it, by the fastest backend that exists for it."""

import difflib
import importlib
import os
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv

from tracking import SandlotError

from .masks import ShowMask, sample_legal, show_mask
from .tables import table_env
from .vector import EnvBatch

EXTRAS = {"ale_py": "atari", "mujoco": "mujoco", "Box2D": "box2d", "jax": "jax", "pygame": "classic-control"}
"""Packages that environments need beyond ours, and what to install them with."""

SLOW_SECONDS = 1e-3
"""Environments whose step takes longer than this run in processes of their own."""


def make(
    env: "str | gymnasium.Env | VectorEnv | EnvBatch", num_envs: int = 1, kwargs: Mapping[str, Any] | None = None
) -> EnvBatch:
    """Return `num_envs` copies of the environment with the id `env` (or the env object itself) as a batch.

    An id runs in its own vectorised form where Gymnasium has one of the same task, or from its table of
    transitions where it is nothing else, else side by side in this process, or, if a step takes over a
    millisecond, in processes of their own.
    """
    if isinstance(env, EnvBatch):
        return env
    if isinstance(env, VectorEnv):
        return EnvBatch(env, _name(env))
    if isinstance(env, gymnasium.Env):
        given = show_mask(env)
        return EnvBatch(SyncVectorEnv([lambda: given]), _name(env), "sync")
    if num_envs < 1:
        raise SandlotError(f"num_envs must be at least 1, not {num_envs}")
    kwargs = dict(kwargs or {})
    single, seconds = _probe(env, kwargs)
    own = _own_vector_env(env, num_envs, kwargs, single)
    if own is not None:
        return EnvBatch(own, env, "vector")
    played = table_env(single, num_envs)
    if played is not None:
        return EnvBatch(played, env, "table")
    parallel = seconds > SLOW_SECONDS and num_envs > 1 and (os.cpu_count() or 1) > 1
    kind: Callable[..., VectorEnv] = AsyncVectorEnv if parallel else SyncVectorEnv
    shown = ShowMask if isinstance(single, ShowMask) else lambda env: env
    with warnings.catch_warnings(action="ignore"):
        thunks = [lambda: shown(gymnasium.make(env, **kwargs))] * num_envs
        vector = kind(thunks, autoreset_mode=AutoresetMode.NEXT_STEP)
    return EnvBatch(vector, env, "async" if parallel else "sync")


def make_single(env: str, kwargs: Mapping[str, Any] | None = None, *, render: bool = False) -> gymnasium.Env:
    """Return the environment with the id `env`; with `render`, one whose `render()` gives pictures.

    Raises `SandlotError` with one sentence about what is wrong with the id, its options or the installation.
    """
    _register(env)
    options: dict[str, Any] = dict(kwargs or {}) | ({"render_mode": "rgb_array"} if render else {})
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


def _probe(env: str, kwargs: Mapping[str, Any]) -> tuple[gymnasium.Env, float]:
    """Return one such environment, closed, and the seconds that its step takes."""
    single = make_single(env, kwargs)
    with warnings.catch_warnings(action="ignore"):
        observation, _ = single.reset(seed=0)
        single.action_space.seed(0)
        seconds, steps, over = 0.0, 0, False
        while steps < 8 and not over:
            action = sample_legal(single, observation)
            begin = time.perf_counter()
            observation, _, terminated, truncated, _ = single.step(action)
            seconds, steps, over = seconds + time.perf_counter() - begin, steps + 1, terminated or truncated
        seconds /= steps
        single.close()
    return single, seconds


def _own_vector_env(env: str, num_envs: int, kwargs: Mapping[str, Any], single: gymnasium.Env) -> VectorEnv | None:
    """Return the environment's own vectorised form, if it has one that is the same task."""
    # Not gymnasium.spec(env), which does not know ids of the form module:id.
    if single.spec is None or single.spec.vector_entry_point is None:
        return None
    try:
        with warnings.catch_warnings(action="ignore"):
            vector = gymnasium.make_vec(env, num_envs, vectorization_mode="vector_entry_point", **kwargs)
    except (ImportError, TypeError, gymnasium.error.Error):
        return None
    spaces = (vector.single_observation_space, vector.single_action_space)
    if spaces == (single.observation_space, single.action_space):
        return vector
    vector.close()
    return None


def _register(env: str) -> None:
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


def _name(env: "gymnasium.Env | VectorEnv") -> str:
    return env.spec.id if env.spec is not None else type(env.unwrapped).__name__
