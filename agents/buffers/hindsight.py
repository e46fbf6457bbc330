"""Hindsight experience replay: what was reached later stands in for the goal.

Source: Andrychowicz et al., "Hindsight experience replay", 2017, with the strategy "future".
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from gymnasium import Space, spaces

from sandlot.envs import EnvFactory, Observation, Step
from sandlot.tracking import SandlotError

from .config import OffPolicyConfig
from .replay import ReplayBuffer, Rows, Transitions

ACHIEVED, DESIRED = "achieved_goal", "desired_goal"
GoalReward = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From goals that were achieved and those desired to rewards."""


class HindsightBuffer(ReplayBuffer):
    """A replay buffer in whose samples most goals are replaced by what was achieved later in the episode.

    Args:
        reward: The rewards for achieved and desired goals, as the environment computes them.
        ratio: The fraction of rows whose goals are replaced.
    """

    def __init__(self, *arguments: Any, reward: GoalReward, ratio: float):
        super().__init__(*arguments)
        self.goal_reward, self.ratio = reward, ratio
        self._end = np.zeros((0, 0), np.int64)
        """The slot of the last step of each row's episode; -1 while that goes on."""
        self._start = np.zeros(0, np.int64)

    def add(self, action: np.ndarray, step: Step) -> None:
        slot = self.head
        self._end[slot] = -1
        super().add(action, step)
        for env in np.flatnonzero(step.terminated | step.truncated | ~step.valid):
            self._close(int(env), slot)

    def reset(self, observation: Observation) -> None:
        if self.num_envs and self.filled:
            for env in range(self.num_envs):
                self._close(env, (self.head - 1) % self.slots)
            self._end[self.head] = self.head
        super().reset(observation)
        self._start[:] = self.head

    def transitions(self, rows: Rows, gamma: float, n_step: int = 1) -> Transitions:
        sample = super().transitions(rows, gamma, n_step)
        # Seeded by what is sampled, so that a resumed training draws the same.
        rng = np.random.default_rng([self.written, int(rows.sum())])
        slot, env = np.divmod(rows, self.num_envs)
        end = self._end.reshape(-1)[rows]
        end = np.where(end < 0, (self.head - 1) % self.slots, end)
        left = (end - slot) % self.slots
        chosen = np.flatnonzero((rng.random(len(rows)) < self.ratio) & (left > 0))
        if not chosen.size:
            return sample
        later = (slot[chosen] + rng.integers(1, left[chosen] + 1)) % self.slots
        goal = self.observation[ACHIEVED].take(later * self.num_envs + env[chosen])
        for observation in (sample.observation, sample.next_observation):
            observation[DESIRED][0, chosen] = torch.from_numpy(goal)  # pyright: ignore[reportIndexIssue, reportCallIssue, reportArgumentType]
        achieved = sample.next_observation[ACHIEVED][0, chosen].numpy()  # pyright: ignore
        rewards = np.asarray(self.goal_reward(achieved, goal), np.float32)
        sample.reward[0, chosen] = torch.from_numpy(rewards.reshape(len(chosen)))
        return sample

    def load_state(self, state: Mapping[str, np.ndarray], like: Observation) -> None:
        super().load_state(state, like)
        if not state:
            return
        self._end[:] = -1
        over = self.terminated | self.truncated | ~self.valid
        end = np.full(self.num_envs, -1)
        for back in range(1, self.filled + 1):
            slot = (self.head - back) % self.slots
            end = np.where(over[slot], slot, end)
            self._end[slot] = end
        self._start[:] = self.head

    def _make_room(self, num_envs: int) -> None:
        super()._make_room(num_envs)
        self._end = np.full((self.slots, num_envs), -1)
        self._start = np.zeros(num_envs, np.int64)

    def _close(self, env: int, slot: int) -> None:
        """Note that the episode of `env` ended in `slot`."""
        length = (slot - self._start[env]) % self.slots + 1
        if length < self.slots:
            self._end[(self._start[env] + np.arange(length)) % self.slots, env] = slot
        self._start[env] = (slot + 1) % self.slots


def replay_buffer(
    config: OffPolicyConfig, shape: tuple[int, ...], dtype: np.dtype, space: Space, factory: EnvFactory | None
) -> ReplayBuffer:
    """Return the replay buffer that `config` asks for, for actions of `shape` and `dtype`."""
    if not config.her or factory is None:
        return ReplayBuffer(config.buffer_size, shape, dtype)
    if not (isinstance(space, spaces.Dict) and {ACHIEVED, DESIRED} <= set(space.spaces)):
        raise SandlotError(f"her needs observations with {ACHIEVED!r} and {DESIRED!r}, and {factory.name} has {space}")
    return HindsightBuffer(config.buffer_size, shape, dtype, reward=goal_reward(factory), ratio=config.her_ratio)


def goal_reward(factory: EnvFactory) -> GoalReward:
    """Return what computes the rewards for goals, as the learner gets them, from an environment's `compute_reward`."""
    if factory.env_spec is None:
        raise SandlotError("her needs an environment's id or an EnvSpec, not an object")
    env = factory.env_spec.single()
    if not env.has_wrapper_attr("compute_reward"):
        env.close()
        raise SandlotError(f"her needs an environment with a method compute_reward, which {factory.name} has not")
    compute, transform = env.get_wrapper_attr("compute_reward"), factory.env_spec.resolved_wrappers.transform_reward
    return lambda achieved, desired: transform(np.asarray(compute(achieved, desired, {}), np.float64))
