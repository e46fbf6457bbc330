"""What an agent sees of an environment, as data to learn from."""

from typing import Any

import numpy as np
from gymnasium import spaces
from jaxtyping import UInt8
from sandlot.agents.spaces.observations import IMAGE_CHANNELS, is_image
from sandlot.envs import World
from sandlot.supervised.data import Frame, ordered_split
from sandlot.tracking import SandlotError, require

from .base import Player

ENVS = 8
"""Copies of the environment that are played side by side."""
SHARES = (0.1, 0.1)
"""Shares of the frames, from the end of the play, that are for validation and test."""


def frames_of(world: str | World, frames: int = 10_000, *, seed: int = 0, agent: Player | None = None) -> Frame:
    """Return observations of an environment, which are images, while an agent plays, or chance."""
    require(frames >= 10, "frames must be at least 10", frames)
    world = World.of(world)
    batch = world.batch(ENVS)
    try:
        space = batch.observation_space
        if not isinstance(space, spaces.Box) or not is_image(space):
            raise SandlotError(f"the observations of {world.id} are no pictures: {space}")
        rounds = -(-frames // ENVS)
        batch.action_space.seed(seed)
        observation, memory, start = batch.reset(seed=seed), None, np.ones(ENVS, bool)
        seen = [_pictures(observation, space)]
        while len(seen) < rounds:
            action, memory = _act(agent, batch, observation, memory, start)
            step = batch.step(action)
            observation, start = step.observation, step.start
            seen.append(_pictures(observation, space))
    finally:
        batch.close()
    pixels = np.concatenate(seen)[:frames]
    given = ordered_split(len(pixels), *SHARES).part_of.astype(np.int64)
    return Frame(f"env:{world.id}", {"image": pixels}, [(world.id, len(pixels))], given=given)


def _act(agent: Player | None, batch: Any, observation: Any, memory: Any, start: np.ndarray) -> tuple[Any, Any]:
    if agent is None:
        return np.array([batch.action_space.sample() for _ in range(batch.num_envs)]), None
    return agent.predict(observation, memory, start, deterministic=False)


def _pictures(observation: Any, space: spaces.Box) -> UInt8[np.ndarray, "env height width channel"]:
    """Return observations as bytes, channels last, as `observations.Image` reads them."""
    last = space.shape[2] in IMAGE_CHANNELS and space.shape[0] not in IMAGE_CHANNELS
    pixels = np.array(observation) if last else np.moveaxis(np.asarray(observation), 1, -1).copy()
    return pixels if pixels.dtype == np.uint8 else (pixels * 255).round().clip(0, 255).astype(np.uint8)
