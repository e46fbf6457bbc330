"""The memory that an agent will need."""

import math
from typing import TYPE_CHECKING, Any

from sandlot.tracking.common.memory import allocating, require_memory

if TYPE_CHECKING:
    from .base import Agent

ROW_BYTES = 16
"""Bytes of a stored step beside observation and action: its reward and what it says of episodes."""


def build_in_memory(agent: "Agent") -> None:
    """Build the networks and buffers of `agent`, or say what would not fit into memory and what to lower."""
    config, row = agent.config, _size_of(agent.spaces.observation) + _size_of(agent.spaces.action) + ROW_BYTES
    if (capacity := getattr(config, "buffer_size", None)) is not None:
        require_memory(capacity * row, f"a replay buffer of {capacity:,} env steps", "buffer_size")
    if isinstance(steps := getattr(config, "num_steps", None), int):
        rows = steps * config.num_envs
        require_memory(rows * row, f"a rollout of {rows:,} env steps", "num_steps or num_envs")
    with allocating(f"{agent.name} of this size", "hidden, or what else makes its networks or buffers large"):
        agent._build()


def _size_of(space: Any) -> int:
    """Return the bytes of an element of `space`; of stacked frames, those of one, as buffers keep each once."""
    parts = getattr(space, "spaces", None)
    if parts is not None:
        return sum(map(_size_of, parts.values() if hasattr(parts, "values") else parts))
    shape, dtype = getattr(space, "shape", None), getattr(space, "dtype", None)
    if shape is None or dtype is None:
        return 8
    return math.prod(shape[1:] if len(shape) == 3 and shape[0] < shape[1] else shape) * dtype.itemsize
