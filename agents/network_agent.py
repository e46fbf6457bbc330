"""What agents share that learn with networks."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

from sandlot.envs import Observation, tree_map
from sandlot.supervised.networks import Memory
from sandlot.supervised.optimization.components import Stateful, component_tensors, load_components

from .action_info import ActionInfo
from .base import Agent


class NetworkAgent(Agent):
    """An agent whose learning is in modules and learners.

    Subclasses say how they choose in `policy_action`, and what they think of it in `explain_action`.
    """

    device: torch.device

    @abstractmethod
    def initial_memory(self, batch: int) -> Memory:
        """Return the memory before an episode."""

    @abstractmethod
    def policy_action(
        self, observation: Any, memory: Memory, episode_start: Bool[Tensor, "1 batch"], deterministic: bool
    ) -> tuple[Shaped[Tensor, "1 batch *action"], Memory]:
        """Return an action for each row, and the memory to go on with."""

    @abstractmethod
    def explain_action(
        self, observation: Any, memory: Memory, episode_start: Bool[Tensor, "1 batch"], deterministic: bool
    ) -> tuple[Shaped[Tensor, "1 batch *action"], Memory, ActionInfo]:
        """Return what `policy_action` does, and the thoughts behind it."""

    @abstractmethod
    def to_env(self, action: np.ndarray) -> np.ndarray:
        """Return chosen actions as the environment takes them."""

    @torch.inference_mode()
    def select_action(
        self,
        observation: Observation,
        memory: Memory | None,
        episode_start: Bool[np.ndarray, "batch"],
        deterministic: bool,
    ) -> tuple[np.ndarray, Memory]:
        action, memory = self.policy_action(*self._at_hand(observation, memory, episode_start), deterministic)
        return self.to_env(row(action)), memory

    @torch.inference_mode()
    def explain(
        self,
        observation: Observation,
        memory: Memory | None,
        episode_start: Bool[np.ndarray, "batch"],
        deterministic: bool,
    ) -> tuple[np.ndarray, Memory, ActionInfo]:
        action, memory, action_info = self.explain_action(
            *self._at_hand(observation, memory, episode_start), deterministic
        )
        return self.to_env(row(action)), memory, action_info

    def _at_hand(
        self, observation: Observation, memory: Memory | None, episode_start: Bool[np.ndarray, "batch"]
    ) -> tuple[Any, Memory, Bool[Tensor, "1 batch"]]:
        """Return what networks need to act: one row of a sequence, on the device."""
        inputs = tree_map(lambda leaf: torch.as_tensor(np.asarray(leaf)[None]).to(self.device), observation)
        memory = self.initial_memory(len(episode_start)) if memory is None else memory
        return inputs, memory, torch.as_tensor(episode_start)[None].to(self.device)

    @abstractmethod
    def components(self) -> dict[str, Stateful]:
        """Return all that learns, by name."""

    def tensors(self) -> dict[str, np.ndarray]:
        return component_tensors(self.components())

    def load_tensors(self, tensors: Mapping[str, np.ndarray]) -> None:
        load_components(self.components(), tensors)


def row(tensor: Shaped[Tensor, "1 batch *shape"]) -> Shaped[np.ndarray, "batch *shape"]:
    """Return the only row of a sequence as an array."""
    return tensor[0].cpu().numpy()
