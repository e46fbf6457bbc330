"""Vectorize an environment with the fastest backend that supports it."""

import os
import sys
import time
import warnings
from functools import partial
from multiprocessing import active_children
from statistics import median
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv

from sandlot.envs.action_masks import sample_legal, show_mask
from sandlot.envs.adapters import JAX, adapt, vector_rewards
from sandlot.envs.description import EnvDescription
from sandlot.envs.env_errors import (
    NO_ANSWER,
    PROCESS_DIED,
    TIMEOUTS,
    WORKER_ERRORS,
    CopyError,
    env_error,
    user_errors,
)
from sandlot.envs.env_kwargs import made
from sandlot.envs.foreign import adapted
from sandlot.envs.guarded_copy import GuardedCopy
from sandlot.envs.registry import install_hint, is_atari
from sandlot.envs.vector import EnvBatch
from sandlot.envs.wrappers import NONE
from sandlot.tracking import SandlotError

from .atari import atari_vector
from .envpool import FASTER, pool_ids, pool_vector
from .single import make_single
from .tabular import tabular_vector

ANSWER_SECONDS = 60
"""How long a process with a copy may take for a step or a reset."""
SLOW_SECONDS = 1e-3
"""Step time above which each copy runs in its own process."""


def batch_of(env_spec: EnvDescription, num_envs: int, most_slow: int | None = None) -> EnvBatch:
    """Return `num_envs` copies of `env_spec` as a batch.

    The backend is the first of these that supports the environment: EnvPool, where it is installed, faster, and runs
    the same task; ALE's vector environment; the environment's own vector entry point in Gymnasium; its table of
    transitions; Gymnasium's SyncVectorEnv, or AsyncVectorEnv if a step takes over a millisecond.
    """
    if num_envs < 1:
        raise SandlotError(f"num_envs must be at least 1, not {num_envs}")
    vector, backend = _vectorize(env_spec, num_envs, most_slow)
    return EnvBatch(vector, env_spec.id, backend, env_spec.resolved_wrappers)


def _vectorize(env_spec: EnvDescription, num_envs: int, most_slow: int | None = None) -> tuple[VectorEnv, str]:
    """Return `num_envs` copies of `env_spec`, and the name of their backend."""
    if env_spec.backend == "envpool":
        return _required_pool(env_spec, num_envs), "envpool"
    single, seconds = _probe(env_spec)
    if env_spec.backend == "auto" and env_spec.id in FASTER:
        pool = pool_vector(env_spec, num_envs, single)
        if pool is not None:
            return pool, "envpool"
    if is_atari(env_spec.id) and (games := atari_vector(env_spec, num_envs)) is not None:
        return games, "ale"
    if (vector := _vector_entry_point(env_spec, num_envs, single)) is not None:
        return vector, "vector"
    if (tabular := tabular_vector(single, num_envs)) is not None:
        return tabular, "table"
    with warnings.catch_warnings(action="ignore"):
        # A process that is forked after JAX has started hangs: JAX has threads.
        slow = seconds > SLOW_SECONDS
        if slow and most_slow is not None:
            num_envs = min(num_envs, most_slow)
        parallel = num_envs > 1 and available_cores() > 1 and JAX not in sys.modules
        if slow and parallel:
            return _async_vector(env_spec, num_envs), "async"
        copies = [partial(_copy, env_spec)] * num_envs
        return SyncVectorEnv(copies, autoreset_mode=AutoresetMode.NEXT_STEP), "sync"


def available_cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def given_batch(env: gymnasium.Env | VectorEnv | EnvBatch) -> EnvBatch:
    """Return an environment object as a batch."""
    if isinstance(env, EnvBatch):
        return env
    found = adapted(env)
    name = _name(found)
    if isinstance(found, VectorEnv):
        return EnvBatch(found, name)
    with user_errors(name):
        copy = GuardedCopy(show_mask(adapt(found, name)))
    return EnvBatch(SyncVectorEnv([lambda: copy]), name, "sync")


def _copy(env_spec: EnvDescription) -> gymnasium.Env:
    return GuardedCopy(make_single(env_spec))


def _probe(env_spec: EnvDescription) -> tuple[gymnasium.Env, float]:
    """Return one such environment, closed, and the median seconds of its step."""
    single, step = GuardedCopy(make_single(env_spec)), 0
    try:
        with warnings.catch_warnings(action="ignore"):
            observation, _ = single.reset(seed=0)
            single.action_space.seed(0)
            seconds, over = [], False
            while len(seconds) < 8 and not over:
                step += 1
                action = sample_legal(single, observation)
                start = time.perf_counter()
                observation, reward, terminated, truncated, _ = single.step(action)
                if np.size(reward) > 1:
                    raise vector_rewards(env_spec.id, np.size(reward))
                seconds.append(time.perf_counter() - start)
                over = terminated or truncated
    except CopyError as error:
        raise env_error(env_spec.id, f"failed: {error}", None, 0, step) from error
    finally:
        single.close()
    return single.env, median(seconds)


def _required_pool(env_spec: EnvDescription, num_envs: int) -> VectorEnv:
    """Return the copies in EnvPool. Raises `SandlotError` where it can't run them."""
    ids = pool_ids()
    if not ids:
        raise SandlotError(
            f"the backend envpool needs the package 'envpool', which is not installed{install_hint('envpool')}"
        )
    pooled = pool_vector(env_spec, num_envs, make_single(env_spec))
    if pooled is None:
        reason = "with these wrappers, or its task differs" if env_spec.id in ids else "at all"
        raise SandlotError(f"EnvPool does not have {env_spec.id} {reason}; leave out --backend envpool")
    return pooled


def _vector_entry_point(env_spec: EnvDescription, num_envs: int, single: gymnasium.Env) -> VectorEnv | None:
    """Return the environment's own vector environment, if it has one with the same spaces."""
    # Not gymnasium.spec(env), which does not know ids of the form module:id.
    if env_spec.resolved_wrappers.per_env != NONE or single.spec is None or single.spec.vector_entry_point is None:
        return None
    try:
        with warnings.catch_warnings(action="ignore"):
            vector = gymnasium.make_vec(
                env_spec.id, num_envs, vectorization_mode="vector_entry_point", **made(env_spec.kwargs)
            )
    except (ImportError, TypeError, gymnasium.error.Error):
        return None
    spaces = (vector.single_observation_space, vector.single_action_space)
    known_mode = isinstance(vector.metadata.get("autoreset_mode"), AutoresetMode)
    if known_mode and spaces == (single.observation_space, single.action_space):
        return vector
    vector.close()
    return None


class Workers(AsyncVectorEnv):
    """Copies in processes of their own, which must answer within `ANSWER_SECONDS`."""

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        self.reset_async(seed=seed, options=options)
        return self.reset_wait(timeout=ANSWER_SECONDS)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        self.step_async(actions)
        return self.step_wait(timeout=ANSWER_SECONDS)

    def _check_spaces(self) -> None:
        """Wait for the copies to be made, before Gymnasium asks them for their spaces without a limit."""
        self.call_async("has_wrapper_attr", "reset")
        self.call_wait(timeout=ANSWER_SECONDS)
        super()._check_spaces()


def _async_vector(env_spec: EnvDescription, num_envs: int) -> AsyncVectorEnv:
    """Return each copy in its own process. If one dies while they start, the others are stopped too."""
    before = set(active_children())
    try:
        return Workers([partial(_copy, env_spec)] * num_envs, autoreset_mode=AutoresetMode.NEXT_STEP)
    except TIMEOUTS as error:
        for process in set(active_children()) - before:
            process.kill()
            process.join()
        raise env_error(env_spec.id, NO_ANSWER, None, None, 0) from error
    except WORKER_ERRORS as error:
        for process in set(active_children()) - before:
            process.kill()
            process.join()
        raise env_error(env_spec.id, PROCESS_DIED, None, None, 0) from error


def _name(env: "gymnasium.Env | VectorEnv") -> str:
    return env.spec.id if env.spec is not None else type(env.unwrapped).__name__
