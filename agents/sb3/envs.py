"""Vector environments for Stable-Baselines3.

They are its own `DummyVecEnv` and `SubprocVecEnv` of monitored environments, not adapters of ours, so that an
algorithm gets exactly what it gets in Stable-Baselines3, `infos` and `env_method` included.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import gymnasium
import numpy as np
from gymnasium import Space, spaces
from gymnasium.wrappers import TransformReward
from stable_baselines3.common.atari_wrappers import EpisodicLifeEnv
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs

from sandlot.agents.training import EpisodeLogger
from sandlot.envs import MASK, EnvSpec, Episodes, has_mask

VEC_ENVS = {"dummy": DummyVecEnv, "subproc": SubprocVecEnv}


class ActionMasksMethod(gymnasium.Wrapper):
    """Move the action mask from the observation to the method `action_masks()`, where sb3-contrib looks for it."""

    def __init__(self, env: gymnasium.Env):
        super().__init__(env)
        self.observation_space = without_mask(env.observation_space)
        self._mask: Any = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        observation, self._mask = split_mask(observation)
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        observation, self._mask = split_mask(observation)
        return observation, reward, terminated, truncated, info

    def action_masks(self) -> np.ndarray:
        return self._mask


class SpacesOnlyEnv(gymnasium.Env):
    """Spaces and nothing else, to build a model before its environments are made."""

    def __init__(self, observation_space: Space, action_space: Space):
        self.observation_space, self.action_space = observation_space, action_space


class LoggedVecEnv(VecEnvWrapper):
    """Log the episodes that end to `metric_logger`."""

    def __init__(self, venv: VecEnv, metric_logger: EpisodeLogger):
        super().__init__(venv)
        self.metric_logger = metric_logger

    def reset(self) -> VecEnvObs:
        return self.venv.reset()

    def step_wait(self) -> Any:  # SubprocVecEnv's infos are a tuple, not the list of SB3's annotation
        observation, reward, done, infos = self.venv.step_wait()
        if done.any():
            envs = np.array([index for index in np.flatnonzero(done) if "episode" in infos[index]], int)
            ended = [infos[index]["episode"] for index in envs]
            returns, lengths = (np.array([episode[key] for episode in ended]) for key in ("r", "l"))
            reported = [infos[index].get("is_success") for index in envs]
            successes = np.array(reported, float) if len(reported) and None not in reported else None
            self.metric_logger.add(Episodes(returns.astype(float), lengths, envs, successes))
        return observation, reward, done, infos


def make_envs(vec_env: str, num_envs: int, env_spec: EnvSpec) -> VecEnv:
    """Return a new vector environment of `num_envs` copies of `env_spec`; `vec_env` is "dummy" or "subproc"."""
    return VEC_ENVS[vec_env]([partial(make_monitored, env_spec)] * num_envs)


def make_monitored(env_spec: EnvSpec) -> gymnasium.Env:
    """Return one copy of `env_spec`, which monitors the unwrapped returns and lengths of whole episodes."""
    single, wrappers = env_spec.single(), env_spec.resolved_wrappers
    env = Monitor(ActionMasksMethod(single) if has_mask(single.observation_space) else single)
    if wrappers.life_loss:
        env = EpisodicLifeEnv(env)
    return env if wrappers == wrappers.per_env else TransformReward(env, wrappers.transform_reward)


def without_mask(space: Space) -> Space:
    """Return the observation space `space` without its action mask."""
    if not has_mask(space):
        return space
    assert isinstance(space, spaces.Dict)
    rest = {key: subspace for key, subspace in space.items() if key != MASK}
    return next(iter(rest.values())) if len(rest) == 1 else spaces.Dict(rest)


def split_mask(observation: Mapping[str, Any]) -> tuple[Any, np.ndarray]:
    """Return an observation (or a batch of them) without its action mask, and the mask."""
    rest = {key: value for key, value in observation.items() if key != MASK}
    return next(iter(rest.values())) if len(rest) == 1 else rest, np.asarray(observation[MASK], bool)


def has_empty_shape(space: Space) -> bool:
    """Return whether a Box in `space` is a bare number, or has none, which Stable-Baselines3's networks can't read."""
    match space:
        case spaces.Box():
            return space.shape == () or 0 in space.shape
        case spaces.Dict():
            return any(map(has_empty_shape, space.values()))
        case _:
            return False


def counts_from_zero(space: Space) -> bool:
    """Return whether the discrete spaces in `space`, if there are any, start at 0."""
    match space:
        case spaces.Discrete() | spaces.MultiDiscrete():
            return not np.any(space.start)
        case spaces.Dict():
            return all(map(counts_from_zero, space.values()))
        case _:
            return True
