"""REINFORCE: the Monte-Carlo policy gradient, with or without a baseline.

Source: Williams, "Simple statistical gradient-following algorithms for connectionist reinforcement learning",
1992, section 6, for returns discounted to each step, as in Sutton and Barto, "Reinforcement learning: an
introduction", 2018, section 13.3 (without the factor gamma^t, which all but the textbook leave out).

It learns from complete episodes alone, each once, when it ends. With several environments side by side, the
episodes that are under way at an update are kept and go on: none is cut short, left out for being long, or
learned from before its return is known; their first steps are by a policy that is an update or so old. With
num_envs=1 and batch_size=1 there is an update after each episode, as in the paper.

A truncated episode counts as one that ended there, as is the custom: without a value function there is nothing
to go on with. Where the time limit matters, that makes the last steps look worse than they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from sandlot.agents.buffers.rollout import weighted_standardize
from sandlot.envs import Observation, Step, tree_map
from sandlot.supervised import LearnerConfig
from sandlot.supervised.networks import Memory
from sandlot.tracking import SandlotError, require

from .actor_critic import ActorCritic, ActorCriticConfig
from .policy_gradient import PolicyGradientAgent

FIRST_ROOM = 512
"""Steps that there is room for at first; it doubles when episodes are longer."""
LONGEST = 100_000
"""Steps without the end of an episode after which none is expected."""


@dataclass(frozen=True, kw_only=True)
class REINFORCEConfig(LearnerConfig, ActorCriticConfig):
    """Hyperparameters of REINFORCE."""

    learning_rate: float = 1e-3
    """Step size of the optimizer, at the start."""
    num_envs: int = 8
    """Environments that step side by side."""
    batch_size: int = 1000
    """Steps in complete episodes that an update waits for; it takes all there are. 1 for one at each episode's end."""
    gamma: float = 0.99
    """Discount."""
    baseline: Literal["none", "mean", "value"] = "value"
    """What is taken from the returns: nothing, their mean over the batch, or a learned value of the state."""
    value_coef: float = 0.5
    """Weight of the value loss, with the baseline "value"."""
    entropy_coef: float = 0.0
    """Weight of the entropy bonus."""
    normalize_advantage: bool = True
    """Shift and scale what is left of the returns to mean 0 and variance 1 over the batch."""

    def __post_init__(self) -> None:
        LearnerConfig.__post_init__(self)
        ActorCriticConfig.__post_init__(self)
        for name in ("num_envs", "batch_size"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1", getattr(self, name))
        for name in ("value_coef", "entropy_coef"):
            require(getattr(self, name) >= 0, f"{name} must be at least 0", getattr(self, name))
        require(0 <= self.gamma <= 1, "gamma must be in [0, 1]", self.gamma)
        rule = "compile must be auto or off for reinforce, whose batches differ in size"
        require(self.compile != "on", rule, self.compile)


class Batch(NamedTuple):
    """Steps of complete episodes. In sequences for networks with memory, else as one row."""

    observation: Any
    episode_start: Bool[Tensor, "time batch"]
    action: Shaped[Tensor, "time batch ..."]
    reward_to_go: Float[Tensor, "time batch"]
    weight: Float[Tensor, "time batch"]
    """Sums to 1. It is 0 in rows that only reset and in those of other episodes."""


def rewards_to_go(
    reward: Float[np.ndarray, "time env"], done: Bool[np.ndarray, "time env"], gamma: float
) -> Float[np.ndarray, "time env"]:
    """Return the discounted sum of rewards from each row to the end of its episode (G_t in the book)."""
    sums = np.empty_like(reward)
    following = np.zeros_like(reward[0])
    for t in range(len(reward) - 1, -1, -1):
        following = reward[t] + gamma * following * ~done[t]
        sums[t] = following
    return sums


def policy_loss(
    log_prob: Float[Tensor, "*batch"], advantage: Float[Tensor, "*batch"], weight: Float[Tensor, "*batch"]
) -> Float[Tensor, ""]:
    """Return the negated objective whose gradient is REINFORCE's (the book's equation 13.8, with baseline 13.11)."""
    return -(log_prob * advantage * weight).sum()


def value_loss(
    value: Float[Tensor, "*batch"], reward_to_go: Float[Tensor, "*batch"], weight: Float[Tensor, "*batch"]
) -> Float[Tensor, ""]:
    """Return the mean squared error of the values."""
    return ((value - reward_to_go).square() * weight).sum()


def reinforce_loss(
    policy: ActorCritic, batch: tuple[Batch, Memory], config: REINFORCEConfig
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return REINFORCE's loss of complete episodes and what to log. The batch is the rows and an empty memory."""
    rows, memory = batch
    metrics: dict[str, Tensor] = {}
    advantage, critic = rows.reward_to_go, torch.zeros(())
    if config.baseline == "value":
        distribution, value = policy.evaluate(rows.observation, memory, rows.episode_start)
        advantage = advantage - value.detach()
        critic = config.value_coef * value_loss(value, rows.reward_to_go, rows.weight)
        metrics["loss/value"] = critic.detach()
    else:
        distribution, _ = policy.act(rows.observation, memory, rows.episode_start)
    if config.baseline == "mean":
        advantage = advantage - (advantage * rows.weight).sum()
    if config.normalize_advantage:
        advantage = weighted_standardize(advantage.view(1, -1), rows.weight.view(1, -1)).view_as(advantage)
    actor = policy_loss(distribution.log_prob(rows.action), advantage, rows.weight)
    with torch.set_grad_enabled(config.entropy_coef > 0):
        entropy = (distribution.entropy() * rows.weight).sum()
    metrics |= {"loss/policy": actor.detach(), "policy/entropy": entropy.detach()}
    return actor + critic - config.entropy_coef * entropy, metrics


class REINFORCE(PolicyGradientAgent):
    """The Monte-Carlo policy gradient."""

    name = "reinforce"
    Config = REINFORCEConfig
    config: REINFORCEConfig

    def loss(self, policy: Any, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        return reinforce_loss(policy, batch, self.config)

    def prepare(self, steps: int) -> None:
        self.learner.prepare(0)

    def reset(self, observation: Observation, seed: int) -> None:
        self._start_rollout(FIRST_ROOM, observation, seed)
        self._first = np.zeros(self.rollout.num_envs, np.int64)
        self._end = np.zeros(self.rollout.num_envs, np.int64)

    def observe(self, step: Step) -> Mapping[str, float] | None:
        self.rollout.add(self._action, step)
        metrics = None
        if step.episodes is not None:
            self._end[step.episodes.envs] = self.rollout.length
            if (self._end - self._first).sum() >= self.config.batch_size:
                metrics = self.update()
        if self.rollout.full:
            self._make_room()
        return metrics

    def update(self) -> dict[str, float]:
        """Take a gradient step on the episodes that have ended since the last one, and let go of them."""
        self.learner.anneal(self.progress)
        batch = self._batch()
        with self.policy.learning():
            self.learner.step((batch, self.policy.initial_memory(batch.episode_start.shape[1])))
        self.policy.update_statistics(batch.observation, batch.weight)
        oldest = int(self._end.min())
        self.rollout.carry_over(oldest)
        self._end -= oldest
        self._first = self._end.copy()
        return self.learner.metrics()

    def _batch(self) -> Batch:
        """Return the steps of the episodes that have ended and were not learned from yet."""
        rollout, length = self.rollout, int(self._end.max())
        time = np.arange(length)[:, None]
        chosen = (self._first <= time) & (time < self._end) & rollout.valid[:length]
        done = rollout.terminated[:length] | rollout.truncated[:length]
        sums = rewards_to_go(rollout.reward[:length], done, self.config.gamma)
        weight = (chosen / chosen.sum()).astype(np.float32)
        observation = tree_map(lambda array: array[:length], rollout.observation)
        columns = (observation, rollout.episode_start[:length], rollout.action[:length], sums, weight)
        if not self.policy.has_memory:
            columns = tree_map(lambda array: array[chosen][None], columns)
        return Batch(*tree_map(lambda array: torch.from_numpy(array).to(self.device), columns))

    def _make_room(self) -> None:
        if self.rollout.num_steps > LONGEST:
            name = self.env_factory.name if self.env_factory else "the environment"
            raise SandlotError(
                f"reinforce learns from complete episodes, and one of {name} has not ended after {LONGEST:,} steps"
            )
        self.rollout.grow()
        self._share_rollout()

    @property
    def has_value(self) -> bool:
        return self.config.baseline == "value"

    def _new_policy(self) -> ActorCritic:
        if self.has_value:
            return super()._new_policy()
        # There is no critic to learn, so no network of its own for one.
        config = replace(self.config, shared_encoder=True)
        return ActorCritic(self.spaces.observation, self.spaces.action, config, self.name)
