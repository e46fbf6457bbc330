"""Actions for single observations, batches, and under action masks from outside."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from sandlot.envs import mask_rows, tree_leaves, with_mask

from .batching import as_batch, check_memory

if TYPE_CHECKING:
    from .base import Agent


def predict(
    agent: "Agent",
    observation: Any,
    state: Any,
    episode_start: np.ndarray | None,
    deterministic: bool,
    action_masks: np.ndarray | None,
) -> tuple[np.ndarray, Any]:
    """Return the action for one observation, or for each of a batch, and the memory to pass next time."""
    spaces = agent.spaces
    observation, single = as_batch(spaces.observation, with_mask(spaces.observation, observation, None))
    count = len(next(tree_leaves(observation)))
    starts = np.zeros(count, bool) if episode_start is None else np.broadcast_to(episode_start, count).astype(bool)
    check_memory(state, count, agent.memory_axis)
    masks = None if action_masks is None else mask_rows(spaces.action, action_masks, count)
    with nullcontext() if masks is None else agent.masked(masks):
        action, memory = agent.select_action(observation, state, starts, deterministic)
    return (action.squeeze(0) if single else action), memory
