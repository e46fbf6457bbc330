"""What agents share that learn with networks."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Shaped
from sandlot.envs import Observation, tree_map
from sandlot.supervised.networks import Memory
from sandlot.supervised.optimization.components import Stateful, load_parts, tensors_of
from torch import Tensor

from .action_info import Thought
from .base import Agent


class NetworkAgent(Agent):
    """An agent whose learning is in modules and learners.

    Subclasses say how they choose in `respond`, and what they think of it in `reflect`.
    """

    device: torch.device

    @abstractmethod
    def initial_memory(self, batch: int) -> Memory:
        """Return the memory before an episode."""

    @abstractmethod
    def respond(
        self, observation: Any, memory: Memory, start: Bool[Tensor, "1 batch"], deterministic: bool
    ) -> tuple[Shaped[Tensor, "1 batch *action"], Memory]:
        """Return an action for each row, and the memory to go on with."""

    @abstractmethod
    def reflect(
        self, observation: Any, memory: Memory, start: Bool[Tensor, "1 batch"], deterministic: bool
    ) -> tuple[Shaped[Tensor, "1 batch *action"], Memory, Thought]:
        """Return what `respond` does, and the thoughts behind it."""

    @abstractmethod
    def to_env(self, action: np.ndarray) -> np.ndarray:
        """Return chosen actions as the environment takes them."""

    @torch.inference_mode()
    def choose(
        self, observation: Observation, memory: Memory | None, start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Memory]:
        action, memory = self.respond(*self._at_hand(observation, memory, start), deterministic)
        return self.to_env(row(action)), memory

    @torch.inference_mode()
    def think(
        self, observation: Observation, memory: Memory | None, start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Memory, Thought]:
        action, memory, thought = self.reflect(*self._at_hand(observation, memory, start), deterministic)
        return self.to_env(row(action)), memory, thought

    def _at_hand(
        self, observation: Observation, memory: Memory | None, start: Bool[np.ndarray, "batch"]
    ) -> tuple[Any, Memory, Bool[Tensor, "1 batch"]]:
        """Return what networks need to act: one row of a sequence, on the device."""
        inputs = tree_map(lambda leaf: torch.as_tensor(np.asarray(leaf)[None]).to(self.device), observation)
        memory = self.initial_memory(len(start)) if memory is None else memory
        return inputs, memory, torch.as_tensor(start)[None].to(self.device)

    @abstractmethod
    def parts(self) -> dict[str, Stateful]:
        """Return all that learns, by name."""

    def tensors(self) -> dict[str, np.ndarray]:
        return tensors_of(self.parts())

    def load_tensors(self, tensors: Mapping[str, np.ndarray]) -> None:
        load_parts(self.parts(), tensors)


def row(tensor: Shaped[Tensor, "1 batch *shape"]) -> Shaped[np.ndarray, "batch *shape"]:
    """Return the only row of a sequence as an array."""
    return tensor[0].cpu().numpy()
