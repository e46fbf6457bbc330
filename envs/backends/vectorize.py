"""From a world to a batch of it, by the fastest backend that exists for it."""

import os
import time
import warnings
from multiprocessing import active_children
from statistics import median
from typing import TYPE_CHECKING

import gymnasium
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv

from sandlot.envs.action_masks import sample_legal, show_mask
from sandlot.envs.env_errors import GONE, LOST, fault
from sandlot.envs.vector import EnvBatch
from sandlot.envs.wrappers import NONE
from sandlot.tracking import SandlotError

from .atari import atari_vector, is_atari
from .envpool import FASTER, pool_ids, pool_vector
from .single import extra
from .tabular import table_env

if TYPE_CHECKING:
    from sandlot.envs.spec import EnvSpec

SLOW_SECONDS = 1e-3
"""Environments whose step takes longer than this run in processes of their own."""


def batch_of(env_spec: "EnvSpec", num_envs: int) -> EnvBatch:
    """Return `num_envs` copies of `env_spec` as a batch.

    They run in EnvPool where that is installed, faster and the same task; or in the environment's own vectorised
    form where Gymnasium has one of the same task; or from its table of transitions where it is nothing else; else
    side by side in this process, or, if a step takes over a millisecond, in processes of their own.
    """
    if num_envs < 1:
        raise SandlotError(f"num_envs must be at least 1, not {num_envs}")
    if env_spec.backend == "envpool":
        return EnvBatch(_asked_pool(env_spec, num_envs), env_spec.id, "envpool", env_spec.resolved_wrappers)
    single, seconds = _probe(env_spec)
    pooled = pool_vector(env_spec, num_envs, single) if env_spec.backend == "auto" and env_spec.id in FASTER else None
    if pooled is not None:
        return EnvBatch(pooled, env_spec.id, "envpool", env_spec.resolved_wrappers)
    if is_atari(env_spec.id) and (games := atari_vector(env_spec, num_envs)) is not None:
        return EnvBatch(games, env_spec.id, "ale", env_spec.resolved_wrappers)
    own = _own_vector_env(env_spec, num_envs, single)
    if own is not None:
        return EnvBatch(own, env_spec.id, "vector", env_spec.resolved_wrappers)
    played = table_env(single, num_envs)
    if played is not None:
        return EnvBatch(played, env_spec.id, "table", env_spec.resolved_wrappers)
    parallel = seconds > SLOW_SECONDS and num_envs > 1 and (os.cpu_count() or 1) > 1
    with warnings.catch_warnings(action="ignore"):
        if parallel:
            return EnvBatch(_in_processes(env_spec, num_envs), env_spec.id, "async", env_spec.resolved_wrappers)
        beside = SyncVectorEnv([env_spec.single] * num_envs, autoreset_mode=AutoresetMode.NEXT_STEP)
        return EnvBatch(beside, env_spec.id, "sync", env_spec.resolved_wrappers)


def given_batch(env: gymnasium.Env | VectorEnv | EnvBatch) -> EnvBatch:
    """Return an environment object as a batch."""
    if isinstance(env, EnvBatch):
        return env
    if isinstance(env, VectorEnv):
        return EnvBatch(env, _name(env))
    given = show_mask(env)
    return EnvBatch(SyncVectorEnv([lambda: given]), _name(env), "sync")


def _probe(env_spec: "EnvSpec") -> tuple[gymnasium.Env, float]:
    """Return one such environment, closed, and the seconds that its step takes."""
    single = env_spec.single()
    with warnings.catch_warnings(action="ignore"):
        observation, _ = single.reset(seed=0)
        single.action_space.seed(0)
        seconds, over = [], False
        while len(seconds) < 8 and not over:
            action = sample_legal(single, observation)
            begin = time.perf_counter()
            observation, _, terminated, truncated, _ = single.step(action)
            seconds.append(time.perf_counter() - begin)
            over = terminated or truncated
        single.close()
    return single, median(seconds)


def _asked_pool(env_spec: "EnvSpec", num_envs: int) -> VectorEnv:
    """Return the copies in EnvPool, or say why there are none."""
    ids = pool_ids()
    if not ids:
        raise SandlotError(f"the backend envpool needs the package 'envpool', which is not installed{extra('envpool')}")
    pooled = pool_vector(env_spec, num_envs, env_spec.single())
    if pooled is None:
        reason = "with these wrappers, or not as the same task" if env_spec.id in ids else "at all"
        raise SandlotError(f"EnvPool does not have {env_spec.id} {reason}; leave out --backend envpool")
    return pooled


def _own_vector_env(env_spec: "EnvSpec", num_envs: int, single: gymnasium.Env) -> VectorEnv | None:
    """Return the environment's own vectorised form, if it has one that is the same task."""
    # Not gymnasium.spec(env), which does not know ids of the form module:id.
    if env_spec.resolved_wrappers.inside != NONE or single.spec is None or single.spec.vector_entry_point is None:
        return None
    try:
        with warnings.catch_warnings(action="ignore"):
            vector = gymnasium.make_vec(
                env_spec.id, num_envs, vectorization_mode="vector_entry_point", **env_spec.kwargs
            )
    except (ImportError, TypeError, gymnasium.error.Error):
        return None
    spaces = (vector.single_observation_space, vector.single_action_space)
    if spaces == (single.observation_space, single.action_space):
        return vector
    vector.close()
    return None


def _in_processes(env_spec: "EnvSpec", num_envs: int) -> AsyncVectorEnv:
    """Return the copies in a process each. If one ends while they start, the others are ended, too."""
    before = set(active_children())
    try:
        return AsyncVectorEnv([env_spec.single] * num_envs, autoreset_mode=AutoresetMode.NEXT_STEP)
    except LOST as error:
        for process in set(active_children()) - before:
            process.kill()
            process.join()
        raise fault(env_spec.id, GONE, None, None, 0) from error


def _name(env: "gymnasium.Env | VectorEnv") -> str:
    return env.spec.id if env.spec is not None else type(env.unwrapped).__name__
