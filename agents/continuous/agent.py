"""What agents share that learn a policy over real numbers and critics of it from what they remember."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sandlot.agents.action_info import ActionInfo
from sandlot.agents.buffers.off_policy import OffPolicyAgent, OffPolicyConfig
from sandlot.agents.buffers.replay import Transitions
from sandlot.agents.network_agent import row
from sandlot.envs import Observation, tree_map
from sandlot.supervised import Learner
from sandlot.supervised.networks import Activation, Memory

from .networks import Actor, Critics


@dataclass(frozen=True, kw_only=True)
class ContinuousConfig(OffPolicyConfig):
    """What the hyperparameters of these agents have in common. Defaults are Stable-Baselines3's, unless said."""

    optimizer_epsilon: float = 1e-8
    """Added to the denominator by optimizers that divide."""
    max_grad_norm: float = 0.0
    """Gradients longer than this (L2 norm) are shortened to it; 0 leaves them as they are."""
    hidden: tuple[int, ...] = (256, 256)
    """Sizes of an MLP's layers; the critics' reads the action too. Other networks have it after them."""
    activation: Activation = "relu"
    """Activation of an MLP's layers."""
    buffer_size: int = 300_000
    """Env steps that are remembered (Stable-Baselines3: 1,000,000)."""
    learning_starts: int = 100
    """Env steps of uniformly random actions before the first update."""
    tau: float = 0.005
    """Share of the way to the networks that target networks go at a time."""


class CriticBatch(NamedTuple):
    """Rows to learn from, and what the critics should say of the actions taken there."""

    observation: Any
    episode_start: Bool[Tensor, "longer batch"]
    action: Float[Tensor, "time batch size"]
    target: Float[Tensor, "time batch"]
    weight: Float[Tensor, "time batch"]
    """Sums to about 1."""

    @property
    def burn_in(self) -> int:
        """Rows at the beginning that only fill the memory."""
        return len(self.episode_start) - len(self.weight)


class ActorBatch(NamedTuple):
    """Rows to improve the policy in."""

    observation: Any
    episode_start: Bool[Tensor, "longer batch"]
    weight: Float[Tensor, "time batch"]
    """Sums to about 1."""
    noise: Float[Tensor, "time batch size"] | None = None
    """What a random policy draws its actions with."""

    @property
    def burn_in(self) -> int:
        """Rows at the beginning that only fill the memory."""
        return len(self.episode_start) - len(self.weight)


def td_target(rows: Transitions, following: Float[Tensor, "longer batch"]) -> Float[Tensor, "time batch"]:
    """Return what the critics should say of `rows`: the rewards, and the discounted values that follow."""
    after = following if rows.ahead is None else following.gather(0, rows.ahead)
    return rows.reward + rows.discount * after


def squared_error(
    q: Float[Tensor, "critic time batch"], target: Float[Tensor, "time batch"], weight: Float[Tensor, "time batch"]
) -> Float[Tensor, ""]:
    """Return the weighted sum over rows of the critics' squared errors, summed over critics."""
    return ((q - target).square() * weight).sum()


class ContinuousAgent(OffPolicyAgent):
    """Act with an actor, first at random, and learn with critics.

    Subclasses say what they are in `make_networks`, how they explore in `explored`, and how they learn in `learn_from`.
    """

    policy: Actor
    actor_learner: Learner
    critic_learner: Learner

    @abstractmethod
    def explored(self, output: Any) -> Float[Tensor, "time env size"]:
        """Return actions in [-1, 1] to explore with, given what the actor says."""

    @abstractmethod
    def played(self, output: Any, deterministic: bool) -> Float[Tensor, "time env size"]:
        """Return the policy's actions in [-1, 1], given what the actor says."""

    def moments(self, output: Any) -> tuple[Float[Tensor, "time env size"], Float[Tensor, "time env size"] | None]:
        """Return mean and standard deviation of the policy's actions; by default it has only one, and no spread."""
        return output, None

    @abstractmethod
    def learn_from(self, rows: Transitions) -> None:
        """Take one gradient step on `rows`."""

    def learners(self) -> list[Learner]:
        return [self.critic_learner, self.actor_learner]

    def action_kind(self) -> tuple[tuple[int, ...], np.dtype]:
        return (self.policy.bounds.size,), np.dtype(np.float32)

    def to_env(self, action: np.ndarray) -> np.ndarray:
        return self.policy.bounds.to_env(action)

    def explore(self, observation: Observation, episode_start: Bool[Tensor, "1 env"]) -> np.ndarray:
        random = self.env_step < self.config.learning_starts
        if random and not self.policy.has_memory:
            return self._random(episode_start.shape[1])
        inputs = self.on_device(tree_map(lambda leaf: leaf[None], observation))
        output, self.memory = self.policy(inputs, self.memory, episode_start)
        return self._random(episode_start.shape[1]) if random else self.explored(output)[0].cpu().numpy()

    def initial_memory(self, batch: int) -> tuple[Memory, Memory]:
        return self.policy.initial_memory(batch), self.critics.initial_memory(batch)

    def policy_action(
        self,
        observation: Any,
        memory: tuple[Memory, Memory],
        episode_start: Bool[Tensor, "1 batch"],
        deterministic: bool,
    ) -> tuple[Float[Tensor, "1 batch size"], tuple[Memory, Memory]]:
        """Return the policy's action for each row, or, not `deterministic`, one drawn from it if it is random."""
        output, actor_memory = self.policy(observation, memory[0], episode_start)
        return self.played(output, deterministic), (actor_memory, memory[1])

    def explain_action(
        self,
        observation: Any,
        memory: tuple[Memory, Memory],
        episode_start: Bool[Tensor, "1 batch"],
        deterministic: bool,
    ) -> tuple[Float[Tensor, "1 batch size"], tuple[Memory, Memory], ActionInfo]:
        output, actor_memory = self.policy(observation, memory[0], episode_start)
        action = self.played(output, deterministic)
        features, critic_memory = self.critics.read(observation, memory[1], episode_start)
        value = self.critics.judge(features, action).amin(0)
        mean, std = self.moments(output)
        bounds = self.policy.bounds
        action_info = ActionInfo(mean=bounds.scaled(row(mean)), value=row(value))
        action_info = action_info if std is None else action_info._replace(std=bounds.reach.ravel() * row(std))
        return action, (actor_memory, critic_memory), action_info

    @property
    def critics(self) -> Critics:
        """What judges the policy."""
        return self.critic_learner.module  # pyright: ignore[reportReturnType]

    def update(self, gradient_steps: int) -> None:
        assert self.replay is not None
        for learner in self.learners():
            learner.module.train()
        for _ in range(gradient_steps):
            self.learn_from(self.look_up(self.replay.sample(self.batch, self.rng, self.length)))
        for learner in self.learners():
            learner.module.eval()

    def logged(self) -> dict[str, float]:
        metrics: dict[str, float] = {}
        for learner, whose in zip(self.learners(), ("critic", "actor"), strict=True):
            told = learner.metrics()
            norms = {f"grad_norm/{whose}": told.pop("grad_norm")} if told else {}
            metrics |= told | norms
        return metrics

    def critic_batch(self, rows: Transitions, following: Float[Tensor, "longer batch"]) -> CriticBatch:
        """Return what the critics learn of `rows`, given the values of the rows that they lead to."""
        first = self.burn_in
        target = td_target(rows, following)[first:]
        return CriticBatch(rows.observation, rows.episode_start, rows.action[first:], target, self._weight(rows))

    def actor_batch(self, rows: Transitions, noise: Float[Tensor, "time batch size"] | None = None) -> ActorBatch:
        """Return what the policy learns from `rows`."""
        return ActorBatch(rows.observation, rows.episode_start, self._weight(rows), noise)

    def normal(self, like: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Draw standard normal numbers in the shape of `like`."""
        return torch.empty_like(like).normal_(generator=self.noise)

    def _weight(self, rows: Transitions) -> Float[Tensor, "time batch"]:
        return rows.weight[self.burn_in :] / self.config.batch_size

    def _random(self, count: int) -> np.ndarray:
        return self.rng.uniform(-1, 1, (count, self.policy.bounds.size)).astype(np.float32)
