"""Image observations of an environment as a data set."""

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from jaxtyping import UInt8

from sandlot.agents.spaces.observations import ImagePreprocessor
from sandlot.envs import EnvBatch, EnvSpec, Observation, image_layout
from sandlot.supervised.data import Frame, ordered_split
from sandlot.tracking import SandlotError, require

from .base import Agent

NUM_ENVS = 8
"""Environments that step side by side."""
SPLIT = (0.1, 0.1)
"""Fractions of the frames, from the last ones, for validation and test."""


def frames_of(env_spec: str | EnvSpec, frames: int = 10_000, *, seed: int = 0, agent: Agent | None = None) -> Frame:
    """Return image observations of an environment, played by `agent` or at random."""
    require(frames >= 10, "frames must be at least 10", frames)
    env_spec = EnvSpec.of(env_spec)
    batch = env_spec.batch(NUM_ENVS)
    try:
        space = batch.observation_space
        layout = image_layout(space)
        if not isinstance(space, spaces.Box) or layout is None:
            raise SandlotError(f"the observations of {env_spec.id} are not images: {space}")
        reader, rounds = ImagePreprocessor(space, layout), -(-frames // NUM_ENVS)
        batch.action_space.seed(seed)
        observation, memory, episode_start = batch.reset(seed=seed), None, np.ones(NUM_ENVS, bool)
        collected = [_images(observation, reader)]
        while len(collected) < rounds:
            action, memory = _act(agent, batch, observation, memory, episode_start)
            step = batch.step(action)
            observation, episode_start = step.observation, step.episode_start
            collected.append(_images(observation, reader))
    finally:
        batch.close()
    pixels = np.concatenate(collected)[:frames]
    source_split = ordered_split(len(pixels), *SPLIT).assignment.astype(np.int64)
    return Frame(f"env:{env_spec.id}", {"image": pixels}, [(env_spec.id, len(pixels))], source_split=source_split)


def _act(
    agent: Agent | None, batch: EnvBatch, observation: Observation, memory: Any, episode_start: np.ndarray
) -> tuple[Any, Any]:
    if agent is None:
        return np.array([batch.action_space.sample() for _ in range(batch.num_envs)]), None
    return agent.predict(observation, memory, episode_start, deterministic=False)


def _images(observation: Observation, reader: ImagePreprocessor) -> UInt8[np.ndarray, "env height width channel"]:
    """Return observations as bytes, channels last, as agents see them."""
    pixels = reader(torch.as_tensor(np.asarray(observation))).movedim(-3, -1).numpy()
    return (pixels * 255).round().clip(0, 255).astype(np.uint8)
