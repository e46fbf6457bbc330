"""What an agent sees of an environment, as data to learn from."""

from typing import Any

import numpy as np
from gymnasium import spaces
from jaxtyping import UInt8

from sandlot.agents.spaces.observations import IMAGE_CHANNELS, is_image
from sandlot.envs import EnvSpec
from sandlot.supervised.data import Frame, ordered_split
from sandlot.tracking import SandlotError, require

from .base import Agent

ENVS = 8
"""Copies of the environment that are played side by side."""
SHARES = (0.1, 0.1)
"""Shares of the frames, from the end of the play, that are for validation and test."""


def frames_of(env_spec: str | EnvSpec, frames: int = 10_000, *, seed: int = 0, agent: Agent | None = None) -> Frame:
    """Return observations of an environment, which are images, while an agent plays, or chance."""
    require(frames >= 10, "frames must be at least 10", frames)
    env_spec = EnvSpec.of(env_spec)
    batch = env_spec.batch(ENVS)
    try:
        space = batch.observation_space
        if not isinstance(space, spaces.Box) or not is_image(space):
            raise SandlotError(f"the observations of {env_spec.id} are no pictures: {space}")
        rounds = -(-frames // ENVS)
        batch.action_space.seed(seed)
        observation, memory, episode_start = batch.reset(seed=seed), None, np.ones(ENVS, bool)
        seen = [_pictures(observation, space)]
        while len(seen) < rounds:
            action, memory = _act(agent, batch, observation, memory, episode_start)
            step = batch.step(action)
            observation, episode_start = step.observation, step.episode_start
            seen.append(_pictures(observation, space))
    finally:
        batch.close()
    pixels = np.concatenate(seen)[:frames]
    given = ordered_split(len(pixels), *SHARES).assignment.astype(np.int64)
    return Frame(f"env:{env_spec.id}", {"image": pixels}, [(env_spec.id, len(pixels))], source_split=given)


def _act(agent: Agent | None, batch: Any, observation: Any, memory: Any, episode_start: np.ndarray) -> tuple[Any, Any]:
    if agent is None:
        return np.array([batch.action_space.sample() for _ in range(batch.num_envs)]), None
    return agent.predict(observation, memory, episode_start, deterministic=False)


def _pictures(observation: Any, space: spaces.Box) -> UInt8[np.ndarray, "env height width channel"]:
    """Return observations as bytes, channels last, as `observations.Image` reads them."""
    last = space.shape[2] in IMAGE_CHANNELS and space.shape[0] not in IMAGE_CHANNELS
    pixels = np.array(observation) if last else np.moveaxis(np.asarray(observation), 1, -1).copy()
    return pixels if pixels.dtype == np.uint8 else (pixels * 255).round().clip(0, 255).astype(np.uint8)
