"""Agents that act by a policy network."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

from sandlot.envs import Observation, tree_map
from sandlot.supervised import Learner, one_thread
from sandlot.supervised.networks import Memory
from sandlot.supervised.networks.encoder import TensorTree
from sandlot.supervised.optimization.components import Stateful, component_tensors, load_components

from .action_info import ActionInfo
from .base import Agent


class NetworkAgent(Agent):
    """An agent whose policy is a module and which learns by gradient steps.

    A subclass makes `policy`, `learner` and `noise` in `_build`. The policy selects and explains actions; a
    subclass that does so in its own way overrides `policy_action` and `explain_action`.
    """

    policy: Any
    """Module with `select_action`, `explain`, `initial_memory` and `to_env`."""
    learner: Learner
    noise: torch.Generator
    """Source of the random numbers that actions are sampled with."""

    @property
    def device(self) -> torch.device:
        """Where the agent learns and acts."""
        return self.learner.device

    def thread_context(self) -> AbstractContextManager[None]:
        return self.learner.threads()

    def initial_memory(self, batch: int) -> Memory:
        """Return the memory before an episode."""
        return self.policy.initial_memory(batch)

    def policy_action(
        self, observation: TensorTree, memory: Memory, episode_start: Bool[Tensor, "1 batch"], deterministic: bool
    ) -> tuple[Shaped[Tensor, "1 batch *action"], Memory]:
        """Return an action for each row, and the memory to pass with the next."""
        return self.policy.select_action(observation, memory, episode_start, deterministic, self.noise)

    def explain_action(
        self, observation: TensorTree, memory: Memory, episode_start: Bool[Tensor, "1 batch"], deterministic: bool
    ) -> tuple[Shaped[Tensor, "1 batch *action"], Memory, ActionInfo]:
        """Return what `policy_action` does, with the probabilities and values behind it."""
        return self.policy.explain(observation, memory, episode_start, deterministic, self.noise)

    @contextmanager
    def masked(self, action_masks: Bool[np.ndarray, "batch choice"]) -> Iterator[None]:
        preprocessor = self.policy.preprocessor
        preprocessor.given_mask = torch.from_numpy(np.array(action_masks)).to(self.device)
        try:
            yield
        finally:
            preprocessor.given_mask = None

    def to_env(self, action: np.ndarray) -> np.ndarray:
        """Return actions of the policy as the environment takes them."""
        return self.policy.to_env(action)

    @torch.inference_mode()
    def select_action(
        self,
        observation: Observation,
        memory: Memory | None,
        episode_start: Bool[np.ndarray, "batch"],
        deterministic: bool,
    ) -> tuple[np.ndarray, Memory]:
        action, memory = self.policy_action(*self._as_row(observation, memory, episode_start), deterministic)
        return self.to_env(row(action)), memory

    @torch.inference_mode()
    def explain(
        self,
        observation: Observation,
        memory: Memory | None,
        episode_start: Bool[np.ndarray, "batch"],
        deterministic: bool,
    ) -> tuple[np.ndarray, Memory, ActionInfo]:
        action, memory, info = self.explain_action(*self._as_row(observation, memory, episode_start), deterministic)
        return self.to_env(row(action)), memory, info

    def components(self) -> dict[str, Stateful]:
        """Return all that learns, by name: what a checkpoint holds."""
        return {"policy": self.policy, "learner": self.learner}

    def tensors(self) -> dict[str, np.ndarray]:
        return component_tensors(self.components())

    def load_tensors(self, tensors: Mapping[str, np.ndarray]) -> None:
        load_components(self.components(), tensors)

    def on_device(self, tree: Any) -> Any:
        """Return arrays as tensors on the device."""
        return tree_map(lambda leaf: None if leaf is None else torch.as_tensor(leaf).to(self.device), tree)

    def _as_row(
        self, observation: Observation, memory: Memory | None, episode_start: Bool[np.ndarray, "batch"]
    ) -> tuple[Any, Memory, Bool[Tensor, "1 batch"]]:
        """Return a batch as one row of a sequence, on the device."""
        inputs = tree_map(lambda leaf: torch.as_tensor(np.asarray(leaf)[None]).to(self.device), observation)
        memory = self.initial_memory(len(episode_start)) if memory is None else memory
        return inputs, memory, torch.as_tensor(episode_start)[None].to(self.device)


@contextmanager
def initial_weights(seed: int) -> Iterator[None]:
    """Draw a network's initial weights from `seed`, leaving torch's global generator as it was."""
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def row(tensor: Shaped[Tensor, "1 batch *shape"]) -> Shaped[np.ndarray, "batch *shape"]:
    """Return the only row of a sequence as an array."""
    return tensor[0].cpu().numpy()
