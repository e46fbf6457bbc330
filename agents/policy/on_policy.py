"""What agents share that learn from rollouts of a fixed length, judged by a value function."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from sandlot.agents.buffers.rollout import RolloutBatch
from sandlot.envs import Observation, Step, tree_map
from sandlot.supervised.networks import Memory, RunningNorm
from sandlot.supervised.optimization.components import Stateful
from sandlot.tracking import require

from .advantages import discounted_sums, gae
from .policy_gradient import PolicyGradientAgent

LOG_ROWS = 200
"""Rows to learn from between two rows of metrics: after each, they would cost a few per cent of a small update."""


class OnPolicyAgent(PolicyGradientAgent):
    """Act until the rollout is full, judge it by the value function, learn from it.

    Subclasses say what to learn: `loss` and `update`.
    """

    needs_log_prob: ClassVar[bool]
    """Whether the loss compares the policy with the one that acted."""

    @abstractmethod
    def update(self, experience: RolloutBatch) -> None:
        """Take gradient steps."""

    def _build(self) -> None:
        super()._build()
        config = self.config
        if config.has_transformer:
            rule = f"memory_length must be at most the rows of a sequence, {config.sequence_rows}"
            require(config.memory_length <= config.sequence_rows, rule, config.memory_length)
        self.shuffling = torch.Generator().manual_seed(self.seed)
        self.reward_norm = RunningNorm(1) if config.normalize_rewards else None

    def prepare(self, steps: int) -> None:
        self.learner.prepare(max(0, steps - self.env_step) // self.config.rows * self.config.updates)

    def reset(self, observation: Observation, seed: int) -> None:
        self._start_rollout(self.config.num_steps, observation, seed)
        self.memories = [self.memory]
        self._discounted = np.zeros(self.rollout.num_envs, np.float32)
        self._unlogged_rows = 0
        self.shuffling.manual_seed(seed)

    def observe(self, step: Step) -> Mapping[str, float] | None:
        self.rollout.add(self._action, step)
        if not self.rollout.full:
            return None
        self.learner.anneal(self.progress)
        experience, memory = self._judge()
        with self.policy.learning():
            self.update(experience)
        self.policy.update_statistics(experience.observation, experience.weight)
        self.rollout.carry_over()
        self.memory, self.memories = memory, [memory]
        self._unlogged_rows += self.config.rows
        if self._unlogged_rows < LOG_ROWS:
            return None
        self._unlogged_rows = 0
        return self.learner.metrics() | {"value/explained_variance": _explained_variance(experience)}

    def components(self) -> dict[str, Stateful]:
        return super().components() | ({"reward_norm": self.reward_norm} if self.reward_norm is not None else {})

    @torch.no_grad()
    def _judge(self) -> tuple[RolloutBatch, Memory]:
        """Return the rollout with log-probabilities, values and advantages under the policy that acted.

        With it comes the memory after the rollout, which the next one begins with.
        """
        rollout, config = self.rollout, self.config
        observation, episode_start = tree_map(lambda array: array.to(self.device), (self._observation, self._start))
        now = tree_map(lambda array: array[:-1], observation)
        action = torch.from_numpy(rollout.action).to(self.device)
        with self.learner.arithmetic():
            if self.needs_log_prob or self.policy.has_memory:
                log_prob, value, memory = self._replay(now, episode_start[:-1], action)
                last = self.policy.values(tree_map(lambda array: array[-1:], observation), memory, episode_start[-1:])
                value = torch.cat([value, last])
            else:
                (memory,) = self.memories
                value = self.policy.values(observation, memory, episode_start)
                log_prob = torch.full_like(value[:-1], torch.nan)
        values = value.cpu().numpy()
        next_value = values[1:].copy()
        for t, rows, final in rollout.final_observations:
            next_value[t, rows] = self._final_value(now, episode_start, t, rows, final)
        ends = (rollout.terminated, rollout.truncated)
        advantage = gae(self._rewards(), values[:-1], next_value, *ends, config.gamma, config.gae_lambda)
        columns = (advantage, advantage + values[:-1], rollout.valid.astype(np.float32))
        columns = (torch.from_numpy(column).to(self.device) for column in columns)
        experience = RolloutBatch(now, episode_start[:-1], action, log_prob, value[:-1], *columns)
        return experience, memory

    def _replay(
        self, observation: Observation, episode_start: Bool[Tensor, "time env"], action: Shaped[Tensor, "time env ..."]
    ) -> tuple[Float[Tensor, "time env"], Float[Tensor, "time env"], Memory]:
        """Return log-probabilities, values and the last memory, and note the memories that sequences begin with."""
        (memory,), memories, judged = self.memories, [], []
        for rows in self._sequences():
            memories.append(memory)
            distribution, value, memory = self.policy(
                tree_map(lambda array, rows=rows: array[rows], observation), memory, episode_start[rows]
            )
            judged.append((distribution.log_prob(action[rows]), value))
        self.memories = memories
        log_prob, value = map(torch.cat, zip(*judged, strict=True))
        return log_prob, value, memory

    def _sequences(self) -> list[slice]:
        """Return the rows of each sequence that gradients flow through: without memory, that makes no difference."""
        steps = self.config.num_steps
        length = self.config.sequence_rows if self.policy.has_memory else steps
        return [slice(first, first + length) for first in range(0, steps, length)]

    def _final_value(
        self, now: Observation, episode_start: Bool[Tensor, "time env"], t: int, rows: np.ndarray, final: Observation
    ) -> Float[np.ndarray, "row"]:
        """Return the values of the final observations that the environments `rows` had after step `t`."""
        length = self.config.sequence_rows
        memory = tree_map(lambda leaf: leaf[rows], self.memories[t // length if self.policy.has_memory else 0])
        if self.policy.has_memory:
            since = slice(t // length * length, t + 1)
            _, _, memory = self.policy(
                tree_map(lambda leaf: leaf[since, rows], now), memory, episode_start[since, rows]
            )
        observation = tree_map(lambda leaf: torch.as_tensor(leaf)[None].to(self.device), final)
        return self.policy(observation, memory, episode_start.new_zeros(1, len(rows))).value[0].cpu().numpy()

    def _rewards(self) -> Float[np.ndarray, "time env"]:
        """Return the rewards to learn from: as they were, or divided by the returns' standard deviation."""
        rollout = self.rollout
        if self.reward_norm is None:
            return rollout.reward
        done = rollout.terminated | rollout.truncated
        sums, self._discounted = discounted_sums(rollout.reward, done, self._discounted, self.config.gamma)
        self.reward_norm.update(torch.from_numpy(sums[rollout.valid])[:, None])
        scale = float((self.reward_norm.variance + self.reward_norm.epsilon).rsqrt())
        return np.clip(rollout.reward * scale, -self.reward_norm.clip, self.reward_norm.clip)


def _explained_variance(experience: RolloutBatch) -> float:
    """Return the share of the returns' variance that the values explain: 1 at best, 0 if they explain nothing."""
    rows = experience.weight > 0
    value, target = experience.value[rows], experience.target[rows]
    variance = target.var(correction=0)
    return float(1 - (target - value).var(correction=0) / variance) if variance > 0 else 0.0
