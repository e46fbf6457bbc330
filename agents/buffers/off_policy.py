"""What agents share that learn, again and again, from what they remember."""

from abc import abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from sandlot.agents.network_agent import NetworkAgent
from sandlot.agents.spaces.observation_encoder import NetworkConfig
from sandlot.envs import Observation, Step, tree_leaves, tree_map
from sandlot.supervised import Learner, LearnerConfig, one_thread
from sandlot.tracking import require

from .replay import ReplayBuffer, Rows, Transitions

LOG_EVERY = 250
"""Env steps between rows of metrics, at least."""


@dataclass(frozen=True, kw_only=True)
class OffPolicyConfig(LearnerConfig, NetworkConfig):
    """How an agent remembers and learns from memories."""

    num_envs: int = 1
    """Environments that step side by side."""
    buffer_size: int = 100_000
    """Env steps that are remembered."""
    learning_starts: int = 1_000
    """Env steps before the first update."""
    train_freq: int = 1
    """Env steps between updates."""
    gradient_steps: int = 1
    """Gradient steps of an update."""
    batch_size: int = 256
    """Rows of a gradient step."""
    gamma: float = 0.99
    """Discount."""
    n_step: int = 1
    """Rewards that a target sums before it bootstraps."""
    tau: float = 1.0
    """Share of the way to the networks that target networks go at a time."""
    burn_in: int = 8
    """For networks with memory: rows of a sequence that only fill the memory."""
    sequence_length: int = 16
    """For networks with memory: rows of a sequence to learn from, after those; divides batch_size."""

    def __post_init__(self) -> None:
        LearnerConfig.__post_init__(self)
        NetworkConfig.__post_init__(self)
        for name in ("num_envs", "train_freq", "gradient_steps", "batch_size", "n_step", "sequence_length"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1", getattr(self, name))
        for name in ("learning_starts", "burn_in"):
            require(getattr(self, name) >= 0, f"{name} must be at least 0", getattr(self, name))
        require(0 <= self.gamma <= 1, "gamma must be in [0, 1]", self.gamma)
        require(0 < self.tau <= 1, "tau must be in (0, 1]", self.tau)
        least = max(self.num_envs * (self.burn_in + self.sequence_length + self.n_step), self.batch_size)
        require(self.buffer_size >= least, f"buffer_size must be at least {least}", self.buffer_size)


class OffPolicyAgent(NetworkAgent):
    """Act, remember, and learn from a draw of memories now and then.

    Subclasses say how to explore and what to learn: `explore`, `update` and `follow`.
    """

    config: Any
    policy: Any
    """The module that chooses actions: `initial_memory`, `has_memory` and `inputs` are what is asked of it here."""

    @abstractmethod
    def make_networks(self) -> None:
        """Make the modules and learners."""

    @abstractmethod
    def learners(self) -> list[Learner]:
        """Return the learners."""

    @abstractmethod
    def action_kind(self) -> tuple[tuple[int, ...], np.dtype]:
        """Return the shape and type of one action as the replay memory stores it."""

    @abstractmethod
    def explore(self, observation: Any, episode_start: Bool[Tensor, "1 env"]) -> np.ndarray:
        """Return an action for each environment, as the replay memory stores it."""

    @abstractmethod
    def update(self, gradient_steps: int) -> None:
        """Take gradient steps."""

    def update_target(self, before: int) -> None:
        """Move the target networks, if it is time, after the env steps from `before` to now."""

    def _build(self) -> None:
        with one_thread(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.make_networks()
        self.device = self.learners()[0].device
        self.rng = np.random.default_rng(self.seed)
        self.noise = torch.Generator(self.device).manual_seed(self.seed)
        self.replay: ReplayBuffer | None = None
        if self.policy.has_memory:
            length = self.config.sequence_length
            rule = f"batch_size must be a multiple of sequence_length, {length}, for networks with memory"
            require(self.config.batch_size % length == 0, rule, self.config.batch_size)

    def thread_context(self) -> AbstractContextManager[None]:
        return self.learners()[0].threads()

    def prepare(self, steps: int) -> None:
        updates = max(0, steps - self.env_step) // self.config.train_freq * self.config.gradient_steps
        for learner in self.learners():
            learner.prepare(updates)

    def reset(self, observation: Observation, seed: int) -> None:
        num_envs = len(next(tree_leaves(observation)))
        if self.replay is None:
            self.replay = ReplayBuffer(self.config.buffer_size, num_envs, *self.action_kind())
        self.replay.reset(observation)
        self.rng = np.random.default_rng(seed)
        self.noise.manual_seed(seed)
        self.memory = self.policy.initial_memory(num_envs)
        self._observation, self._start = observation, np.ones(num_envs, bool)

    @torch.inference_mode()
    def exploration_action(self) -> np.ndarray:
        self._action = self.explore(self._observation, torch.from_numpy(self._start)[None].to(self.device))
        return self.to_env(self._action)

    def observe(self, step: Step) -> Mapping[str, float] | None:
        assert self.replay is not None
        self.replay.add(self._action, step)
        self._observation, self._start = step.observation, step.episode_start
        before = self.env_step - int(step.valid.sum())
        if self.config.normalize_observations:
            rows = torch.from_numpy(step.valid).nonzero().squeeze(-1)
            self.policy.preprocessor.update(self.on_device(self._observation), rows)
        if self.env_step > self.config.learning_starts and len(self.replay) > self.length * self.replay.num_envs:
            due = self.env_step // self.config.train_freq - before // self.config.train_freq
            if due:
                for learner in self.learners():
                    learner.anneal(self.progress)
                self.update(due * self.config.gradient_steps)
        self.update_target(before)
        if self.env_step // LOG_EVERY == before // LOG_EVERY:
            return None
        return self.logged()

    def logged(self) -> dict[str, float]:
        """Return what is worth knowing of the gradient steps since the last call."""
        metrics: dict[str, float] = {}
        for learner in self.learners():
            metrics |= learner.metrics()
        return metrics

    def look_up(self, rows: Rows) -> Transitions:
        """Return the transitions at `rows` (or the sequences that begin there) as tensors on the device."""
        assert self.replay is not None
        how = (self.config.gamma, self.config.n_step)
        if self.policy.has_memory:
            return self.on_device(self.replay.sequences(rows, self.length, *how))
        return self.on_device(self.replay.transitions(rows, *how))

    @property
    def batch(self) -> int:
        """Rows, or sequences, of a gradient step."""
        return self.config.batch_size // (self.config.sequence_length if self.policy.has_memory else 1)

    @property
    def burn_in(self) -> int:
        """Rows at the beginning of a sequence that are not learned from."""
        return self.config.burn_in if self.policy.has_memory else 0

    @property
    def length(self) -> int:
        """Rows of what is drawn together: 1, or a sequence's, with those of its burn-in."""
        return self.config.burn_in + self.config.sequence_length if self.policy.has_memory else 1

    def on_device(self, tree: Any) -> Any:
        """Return arrays as tensors on the device."""
        return tree_map(lambda leaf: None if leaf is None else torch.as_tensor(leaf).to(self.device), tree)

    def experience(self) -> dict[str, np.ndarray]:
        return {} if self.replay is None else self.replay.state()

    def load_experience(self, tensors: Mapping[str, np.ndarray]) -> None:
        if tensors:
            num_envs = tensors["valid"].shape[1]
            self.replay = ReplayBuffer(self.config.buffer_size, num_envs, *self.action_kind())
            self.replay.load_state(tensors, self.spaces.observation.sample())
