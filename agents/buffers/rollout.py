"""What a batch of environments went through since the last update."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from torch import Generator, Tensor

from sandlot.envs import Observation, Step, tree_map
from sandlot.supervised.networks import Memory


class RolloutBuffer:
    """A fixed number of steps of every environment, time-major, in arrays that are used again.

    Observations have one row more than the rest: the last is where the last step led. Rows in which an
    environment only reset are there too, with `valid` false.
    """

    def __init__(self, num_steps: int, num_envs: int, action_shape: tuple[int, ...], action_dtype: np.dtype):
        self.num_steps, self.num_envs = num_steps, num_envs
        shape = (num_steps, num_envs)
        self.observation: Any = None
        self.episode_start = np.zeros((num_steps + 1, num_envs), bool)
        self.action = np.zeros((*shape, *action_shape), action_dtype)
        self.reward = np.zeros(shape, np.float32)
        self.terminated = np.zeros(shape, bool)
        self.truncated = np.zeros(shape, bool)
        self.valid = np.zeros(shape, bool)
        self.final_observations: list[tuple[int, np.ndarray, Any]] = []
        """Final observations of truncated episodes that the next row does not show: step, rows, observations."""
        self.length = 0

    @property
    def full(self) -> bool:
        """Whether there is no room for another step."""
        return self.length == self.num_steps

    def reset(self, observation: Observation) -> None:
        """Start anew from the first observations of episodes."""
        if self.observation is None:
            self.observation = tree_map(self._room_for, observation)
        self.length = 0
        self.final_observations.clear()
        self._put(observation, np.ones(self.num_envs, bool))

    def add(self, action: np.ndarray, step: Step) -> None:
        """Append what `action` led to."""
        t = self.length
        if step.next_observation is not step.observation and step.truncated.any():
            rows = np.flatnonzero(step.truncated)
            self.final_observations.append((t, rows, tree_map(lambda leaf: leaf[rows], step.next_observation)))
        self.action[t] = action
        self.reward[t] = step.reward
        self.terminated[t] = step.terminated
        self.truncated[t] = step.truncated
        self.valid[t] = step.valid
        self.length = t + 1
        self._put(step.observation, step.episode_start)

    def carry_over(self, first: int | None = None) -> None:
        """Start the next rollout where this one ended, or with its steps from `first` on."""
        first = self.length if first is None else first
        left = self.length - first

        def move(array: np.ndarray) -> None:
            array[: left + 1] = array[first : self.length + 1]

        tree_map(move, self.observation)
        move(self.episode_start)
        if left:
            for array in self._steps:
                array[:left] = array[first : self.length]
        self.final_observations = [(t - first, rows, final) for t, rows, final in self.final_observations if t >= first]
        self.length = left

    def grow(self) -> None:
        """Make room for twice as many steps."""

        def grown(array: np.ndarray) -> np.ndarray:
            return np.concatenate([array, np.zeros((self.num_steps, *array.shape[1:]), array.dtype)])

        self.observation = tree_map(grown, self.observation)
        self.episode_start = grown(self.episode_start)
        self.action, self.reward, self.terminated, self.truncated, self.valid = map(grown, self._steps)
        self.num_steps *= 2

    @property
    def _steps(self) -> tuple[np.ndarray, ...]:
        """All that has one row for each step."""
        return self.action, self.reward, self.terminated, self.truncated, self.valid

    def _room_for(self, array: np.ndarray) -> np.ndarray:
        dtype = np.float32 if array.dtype == np.float64 else array.dtype
        return np.zeros((self.num_steps + 1, *array.shape), dtype)

    def _put(self, observation: Observation, episode_start: np.ndarray) -> None:
        def put(room: np.ndarray, array: np.ndarray) -> None:
            room[self.length] = array

        tree_map(put, self.observation, observation)
        self.episode_start[self.length] = episode_start


class RolloutBatch(NamedTuple):
    """A rollout, or rows of one, with what the policy made of it."""

    observation: Any
    episode_start: Bool[Tensor, "time batch"]
    action: Shaped[Tensor, "time batch ..."]
    log_prob: Float[Tensor, "time batch"]
    """Under the policy that acted; NaN for agents that don't need it."""
    value: Float[Tensor, "time batch"]
    advantage: Float[Tensor, "time batch"]
    target: Float[Tensor, "time batch"]
    """What the value should be: TD(lambda)'s return, which is the advantage plus the value."""
    weight: Float[Tensor, "time batch"]
    """0 in rows that only reset. Those of a whole rollout are 0 or 1; those of a minibatch sum to 1."""


def full_batch(experience: RolloutBatch, standardize: bool) -> RolloutBatch:
    """Return all rows of a rollout as one batch; `standardize` gives its advantages mean 0 and variance 1."""
    weight = experience.weight / experience.weight.sum().clamp(min=1.0)
    advantage = experience.advantage
    if standardize:
        advantage = weighted_standardize(advantage.view(1, -1), weight.view(1, -1)).view_as(advantage)
    return experience._replace(weight=weight, advantage=advantage)


def minibatches(
    experience: RolloutBatch, batch_size: int, epochs: int, generator: Generator, standardize: bool
) -> Iterator[RolloutBatch]:
    """Yield minibatches of shuffled rows, each row once an epoch, as sequences of length 1.

    `standardize` shifts and scales the advantages of each minibatch to mean 0 and variance 1. What can be done
    once an epoch is: a gather or a sum for each minibatch would cost more than its arithmetic.
    """
    rows: RolloutBatch = tree_map(lambda column: column.flatten(0, 1), experience)
    count = len(rows.weight)
    prepared = _weighted(rows, count, standardize) if batch_size == count else None
    for _ in range(epochs):
        if batch_size < count:
            order = torch.randperm(count, generator=generator).to(rows.weight.device)
            prepared = _weighted(tree_map(lambda column, order=order: column[order], rows), batch_size, standardize)
        for first in range(0, count, batch_size):
            yield tree_map(lambda column, first=first: column[first : first + batch_size].unsqueeze(0), prepared)


def split_sequences(experience: RolloutBatch, memories: Sequence[Memory]) -> tuple[RolloutBatch, Memory]:
    """Return a rollout cut, in time, into a sequence for each memory, all side by side, and what they begin with."""

    def fold(column: Shaped[Tensor, "time env ..."]) -> Shaped[Tensor, "shorter batch ..."]:
        return column.unflatten(0, (len(memories), -1)).transpose(0, 1).flatten(1, 2)

    return tree_map(fold, experience), tree_map(lambda *parts: torch.cat(parts), *memories)


def sequence_minibatches(
    experience: RolloutBatch, memory: Memory, columns: int, epochs: int, generator: Generator, standardize: bool
) -> Iterator[tuple[RolloutBatch, Memory]]:
    """Yield minibatches of `columns` sequences, whole in time, with the memory that each begins with."""
    count = experience.weight.shape[1]
    for _ in range(epochs):
        for chosen in torch.randperm(count, generator=generator).to(experience.weight.device).split(columns):
            part: RolloutBatch = tree_map(lambda column, chosen=chosen: column[:, chosen], experience)
            yield full_batch(part, standardize), tree_map(lambda leaf, chosen=chosen: leaf[chosen], memory)


def _weighted(rows: RolloutBatch, batch_size: int, standardize: bool) -> RolloutBatch:
    """Return `rows` with the weights and advantages of each minibatch as they should be."""
    weight = rows.weight.view(-1, batch_size)
    weight = weight / weight.sum(1, keepdim=True).clamp(min=1.0)
    advantage = rows.advantage.view(-1, batch_size)
    if standardize:
        advantage = weighted_standardize(advantage, weight)
    return rows._replace(weight=weight.flatten(), advantage=advantage.flatten())


def weighted_standardize(
    values: Float[Tensor, "batch row"], weight: Float[Tensor, "batch row"]
) -> Float[Tensor, "batch row"]:
    """Shift and scale each batch of `values` to the weighted mean 0 and variance 1. Its weights sum to 1."""
    centered = values - (values * weight).sum(1, keepdim=True)
    return centered / ((centered.square() * weight).sum(1, keepdim=True).sqrt() + 1e-8)
