"""What agents share that act by a policy network and learn by its gradient: acting, playing and saving."""

from abc import abstractmethod
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Shaped
from torch import Tensor, nn

from sandlot.agents.action_info import ActionInfo
from sandlot.agents.buffers.rollout import RolloutBuffer
from sandlot.agents.network_agent import NetworkAgent, row
from sandlot.envs import Observation, tree_leaves, tree_map
from sandlot.supervised import Learner, one_thread
from sandlot.supervised.networks import Distribution, Memory
from sandlot.supervised.optimization.components import Stateful

from .actor_critic import ActorCritic


class PolicyGradientAgent(NetworkAgent):
    """Act by a policy, and keep what it led to in a rollout.

    Subclasses say what to learn from it, and when: `loss` and `observe`.
    """

    policy: ActorCritic
    rollout: RolloutBuffer

    @abstractmethod
    def loss(self, policy: nn.Module, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch and what to log of it."""

    def _build(self) -> None:
        with one_thread(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.policy = self._new_policy().eval()
        self.learner = Learner(self.policy, self.loss, self.config)
        self.device = self.learner.device
        self.action_noise = torch.Generator(self.device).manual_seed(self.seed)

    def _new_policy(self) -> ActorCritic:
        return ActorCritic(self.spaces.observation, self.spaces.action, self.config, self.name)

    def thread_context(self) -> AbstractContextManager[None]:
        return self.learner.threads()

    def _start_rollout(self, num_steps: int, observation: Observation, seed: int) -> None:
        """Begin a rollout with room for `num_steps`, from the first observations of new environments."""
        num_envs = len(next(tree_leaves(observation)))
        head = self.policy.head
        self.rollout = RolloutBuffer(num_steps, num_envs, head.shape, head.dtype)
        self.rollout.reset(observation)
        self._share_rollout()
        self.memory = self.policy.initial_memory(num_envs)
        self.action_noise.manual_seed(seed)

    def _share_rollout(self) -> None:
        """Let tensors share the memory of the rollout's arrays."""
        self._observation = tree_map(torch.from_numpy, self.rollout.observation)
        self._start = torch.from_numpy(self.rollout.episode_start)

    @torch.inference_mode()
    def exploration_action(self) -> np.ndarray:
        t = self.rollout.length
        observation = tree_map(lambda array: array[t : t + 1].to(self.device), self._observation)
        distribution, self.memory = self.policy.act(observation, self.memory, self._start[t : t + 1].to(self.device))
        self._action = distribution.sample(self.action_noise)[0].cpu().numpy()
        return self.to_env(self._action)

    def initial_memory(self, batch: int) -> Memory:
        return self.policy.initial_memory(batch)

    def policy_action(
        self, observation: Any, memory: Memory, episode_start: Bool[Tensor, "1 batch"], deterministic: bool
    ) -> tuple[Shaped[Tensor, "1 batch *action"], Memory]:
        distribution, memory = self.policy.act(observation, memory, episode_start)
        return self._decided(distribution, deterministic), memory

    def explain_action(
        self, observation: Any, memory: Memory, episode_start: Bool[Tensor, "1 batch"], deterministic: bool
    ) -> tuple[Shaped[Tensor, "1 batch *action"], Memory, ActionInfo]:
        distribution, value, memory = self.policy(observation, memory, episode_start)
        action_info = self.policy.head.action_info(distribution)
        action_info = action_info._replace(value=row(value)) if self.has_value else action_info
        return self._decided(distribution, deterministic), memory, action_info

    def to_env(self, action: np.ndarray) -> np.ndarray:
        return self.policy.head.to_env(action)

    @property
    def has_value(self) -> bool:
        """Whether a value function is learned."""
        return True

    def _decided(self, distribution: Distribution, deterministic: bool) -> Shaped[Tensor, "1 batch *action"]:
        return distribution.mode() if deterministic else distribution.sample(self.action_noise)

    def components(self) -> dict[str, Stateful]:
        return {"policy": self.policy, "learner": self.learner}
