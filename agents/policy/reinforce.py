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
from functools import partial
from typing import Literal, NamedTuple, Unpack

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from sandlot.agents.action_info import ActionInfo
from sandlot.agents.base import EnvLike
from sandlot.agents.buffers.rollout import RolloutBuffer, weighted_standardize
from sandlot.agents.keywords import REINFORCEKeywords
from sandlot.agents.network_agent import NetworkAgent, initial_weights
from sandlot.envs import Observation, Step, tree_map
from sandlot.supervised import Learner, LearnerConfig
from sandlot.supervised.networks import Memory
from sandlot.supervised.networks.encoder import TensorTree
from sandlot.tracking import SandlotError, require

from .actor_critic import ActorCritic, ActorCriticConfig, policy_gradient_loss, value_loss

INITIAL_STEPS = 512
"""Steps that the buffer has room for at first; it doubles when episodes are longer."""
LONGEST_EPISODE = 100_000
"""Steps without the end of an episode after which none is expected."""


@dataclass(frozen=True, kw_only=True)
class REINFORCEConfig(LearnerConfig, ActorCriticConfig):
    """Hyperparameters of REINFORCE."""

    learning_rate: float = 1e-3
    """Initial learning rate."""
    num_envs: int = 8
    """Number of parallel environments."""
    batch_size: int = 1000
    """Steps in complete episodes that an update waits for; 1 updates after each episode."""
    gamma: float = 0.99
    """Discount factor γ."""
    baseline: Literal["none", "mean", "value"] = "value"
    """Baseline subtracted from the returns: none, their mean over the batch, or a learned state value."""
    value_coef: float = 0.5
    """Value loss coefficient, with the baseline "value"."""
    entropy_coef: float = 0.0
    """Entropy coefficient."""
    normalize_advantage: bool = True
    """Normalize the advantages of each batch."""

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

    observation: TensorTree
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
    next_sum = np.zeros_like(reward[0])
    for t in range(len(reward) - 1, -1, -1):
        next_sum = reward[t] + gamma * next_sum * ~done[t]
        sums[t] = next_sum
    return sums


def reinforce_loss(
    policy: ActorCritic, batch: tuple[Batch, Memory], config: REINFORCEConfig
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return REINFORCE's loss of complete episodes and its metrics. The batch is the rows and an empty memory."""
    rows, memory = batch
    metrics: dict[str, Tensor] = {}
    advantage, critic_loss = rows.reward_to_go, torch.zeros((), device=rows.weight.device)
    if config.baseline == "value":
        distribution, value = policy.evaluate(rows.observation, memory, rows.episode_start)
        advantage = advantage - value.detach()
        critic_loss = config.value_coef * value_loss(value, rows.reward_to_go, rows.weight)
        metrics["losses/value"] = critic_loss.detach()
    else:
        distribution, _ = policy.act(rows.observation, memory, rows.episode_start)
    if config.baseline == "mean":
        advantage = advantage - (advantage * rows.weight).sum()
    if config.normalize_advantage:
        advantage = weighted_standardize(advantage.view(1, -1), rows.weight.view(1, -1)).view_as(advantage)
    actor_loss = policy_gradient_loss(distribution.log_prob(rows.action), advantage, rows.weight)
    with torch.set_grad_enabled(config.entropy_coef > 0):
        entropy = (distribution.entropy() * rows.weight).sum()
    metrics |= {"losses/policy": actor_loss.detach(), "train/entropy": entropy.detach()}
    return actor_loss + critic_loss - config.entropy_coef * entropy, metrics


class REINFORCE(NetworkAgent):
    """Monte-Carlo policy gradient: learn from complete episodes, each once.

    Source: Williams, 1992. Example: `REINFORCE("CartPole-v1", seed=1).learn(100_000)`.
    """

    name = "reinforce"
    samples_actions = True
    Config = REINFORCEConfig
    config: REINFORCEConfig
    policy: ActorCritic

    def __init__(
        self,
        env: EnvLike,
        *,
        seed: int = 0,
        config: REINFORCEConfig | None = None,
        **options: Unpack[REINFORCEKeywords],
    ):
        super().__init__(env, seed=seed, config=config, **options)

    def _build(self) -> None:
        # Without a value function there is no critic to learn, so no network of its own for one.
        config = self.config if self.has_value else replace(self.config, shared_encoder=True)
        with initial_weights(self.seed):
            self.policy = ActorCritic(self.spaces.observation, self.spaces.action, config, self.name).eval()
        self.learner = Learner(self.policy, partial(reinforce_loss, config=self.config), self.config)
        self.noise = torch.Generator(self.device).manual_seed(self.seed)

    @property
    def has_value(self) -> bool:
        """Whether a value function is learned."""
        return self.config.baseline == "value"

    def prepare(self, steps: int) -> None:
        self.learner.prepare(0)

    def reset(self, observation: Observation, seed: int) -> None:
        head = self.policy.head
        self.buffer = RolloutBuffer(INITIAL_STEPS, observation, head.shape, head.dtype)
        self.memory = self.policy.initial_memory(self.buffer.num_envs)
        self.noise.manual_seed(seed)
        # Of each environment: the first step that was not learned from yet, and the end of its last complete episode.
        self.first = np.zeros(self.buffer.num_envs, np.int64)
        self.end = np.zeros(self.buffer.num_envs, np.int64)

    @torch.inference_mode()
    def exploration_action(self) -> np.ndarray:
        observation, episode_start = self.buffer.latest(self.device)
        distribution, self.memory = self.policy.act(observation, self.memory, episode_start)
        self.action = distribution.sample(self.noise)[0].cpu().numpy()
        return self.policy.to_env(self.action)

    def observe(self, step: Step) -> Mapping[str, float] | None:
        self.buffer.add(self.action, step)
        metrics = None
        if step.episodes is not None:
            self.end[step.episodes.envs] = self.buffer.length
            if (self.end - self.first).sum() >= self.config.batch_size:
                metrics = self.update()
        if self.buffer.full:
            self.make_room()
        return metrics

    def update(self) -> dict[str, float]:
        """Take a gradient step on the episodes that have ended since the last one, and let go of them."""
        self.learner.anneal(self.progress)
        batch = self.complete_episodes()
        with self.policy.learning():
            self.learner.step((batch, self.policy.initial_memory(batch.episode_start.shape[1])))
        self.policy.update_statistics(batch.observation, batch.weight)
        oldest = int(self.end.min())
        self.buffer.carry_over(oldest)
        self.end -= oldest
        self.first = self.end.copy()
        return self.learner.metrics()

    def complete_episodes(self) -> Batch:
        """Return the steps of the episodes that have ended and were not learned from yet."""
        buffer, length = self.buffer, int(self.end.max())
        time = np.arange(length)[:, None]
        chosen = (self.first <= time) & (time < self.end) & buffer.valid[:length]
        sums = rewards_to_go(buffer.reward[:length], buffer.ended[:length], self.config.gamma)
        weight = (chosen / chosen.sum()).astype(np.float32)
        observation = tree_map(lambda array: array[:length], buffer.observation)
        columns = (observation, buffer.episode_start[:length], buffer.action[:length], sums, weight)
        if not self.policy.has_memory:
            columns = tree_map(lambda array: array[chosen][None], columns)
        return Batch(*self.on_device(columns))

    def make_room(self) -> None:
        """Make room for longer episodes. Raises `SandlotError` if one seems to have no end."""
        if self.buffer.num_steps > LONGEST_EPISODE:
            name = self.env_factory.name if self.env_factory else "the environment"
            raise SandlotError(
                f"reinforce learns from complete episodes, and one of {name} has not ended after "
                f"{LONGEST_EPISODE:,} steps"
            )
        self.buffer.grow()

    def explain_action(
        self, observation: TensorTree, memory: Memory, episode_start: Bool[Tensor, "1 batch"], deterministic: bool
    ) -> tuple[Shaped[Tensor, "1 batch *action"], Memory, ActionInfo]:
        action, memory, info = super().explain_action(observation, memory, episode_start, deterministic)
        return action, memory, info if self.has_value else info._replace(value=None)
