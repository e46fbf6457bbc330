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
    from sandlot.envs.spec import World

SLOW_SECONDS = 1e-3
"""Environments whose step takes longer than this run in processes of their own."""


def batch_of(world: "World", num_envs: int) -> EnvBatch:
    """Return `num_envs` copies of `world` as a batch.

    They run in EnvPool where that is installed, faster and the same task; or in the environment's own vectorised
    form where Gymnasium has one of the same task; or from its table of transitions where it is nothing else; else
    side by side in this process, or, if a step takes over a millisecond, in processes of their own.
    """
    if num_envs < 1:
        raise SandlotError(f"num_envs must be at least 1, not {num_envs}")
    if world.backend == "envpool":
        return EnvBatch(_asked_pool(world, num_envs), world.id, "envpool", world.worn)
    single, seconds = _probe(world)
    pooled = pool_vector(world, num_envs, single) if world.backend == "auto" and world.id in FASTER else None
    if pooled is not None:
        return EnvBatch(pooled, world.id, "envpool", world.worn)
    if is_atari(world.id) and (games := atari_vector(world, num_envs)) is not None:
        return EnvBatch(games, world.id, "ale", world.worn)
    own = _own_vector_env(world, num_envs, single)
    if own is not None:
        return EnvBatch(own, world.id, "vector", world.worn)
    played = table_env(single, num_envs)
    if played is not None:
        return EnvBatch(played, world.id, "table", world.worn)
    parallel = seconds > SLOW_SECONDS and num_envs > 1 and (os.cpu_count() or 1) > 1
    with warnings.catch_warnings(action="ignore"):
        if parallel:
            return EnvBatch(_in_processes(world, num_envs), world.id, "async", world.worn)
        beside = SyncVectorEnv([world.single] * num_envs, autoreset_mode=AutoresetMode.NEXT_STEP)
        return EnvBatch(beside, world.id, "sync", world.worn)


def given_batch(env: gymnasium.Env | VectorEnv | EnvBatch) -> EnvBatch:
    """Return an environment object as a batch."""
    if isinstance(env, EnvBatch):
        return env
    if isinstance(env, VectorEnv):
        return EnvBatch(env, _name(env))
    given = show_mask(env)
    return EnvBatch(SyncVectorEnv([lambda: given]), _name(env), "sync")


def _probe(world: "World") -> tuple[gymnasium.Env, float]:
    """Return one such environment, closed, and the seconds that its step takes."""
    single = world.single()
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


def _asked_pool(world: "World", num_envs: int) -> VectorEnv:
    """Return the copies in EnvPool, or say why there are none."""
    ids = pool_ids()
    if not ids:
        raise SandlotError(f"the backend envpool needs the package 'envpool', which is not installed{extra('envpool')}")
    pooled = pool_vector(world, num_envs, world.single())
    if pooled is None:
        reason = "with these wrappers, or not as the same task" if world.id in ids else "at all"
        raise SandlotError(f"EnvPool does not have {world.id} {reason}; leave out --backend envpool")
    return pooled


def _own_vector_env(world: "World", num_envs: int, single: gymnasium.Env) -> VectorEnv | None:
    """Return the environment's own vectorised form, if it has one that is the same task."""
    # Not gymnasium.spec(env), which does not know ids of the form module:id.
    if world.worn.inside != NONE or single.spec is None or single.spec.vector_entry_point is None:
        return None
    try:
        with warnings.catch_warnings(action="ignore"):
            vector = gymnasium.make_vec(world.id, num_envs, vectorization_mode="vector_entry_point", **world.kwargs)
    except (ImportError, TypeError, gymnasium.error.Error):
        return None
    spaces = (vector.single_observation_space, vector.single_action_space)
    if spaces == (single.observation_space, single.action_space):
        return vector
    vector.close()
    return None


def _in_processes(world: "World", num_envs: int) -> AsyncVectorEnv:
    """Return the copies in a process each. If one ends while they start, the others are ended, too."""
    before = set(active_children())
    try:
        return AsyncVectorEnv([world.single] * num_envs, autoreset_mode=AutoresetMode.NEXT_STEP)
    except LOST as error:
        for process in set(active_children()) - before:
            process.kill()
            process.join()
        raise fault(world.id, GONE, None, None, 0) from error


def _name(env: "gymnasium.Env | VectorEnv") -> str:
    return env.spec.id if env.spec is not None else type(env.unwrapped).__name__
