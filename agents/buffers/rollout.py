"""Rollouts of an on-policy agent: the steps since the last update, their advantages, and minibatches of them."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from torch import Generator, Tensor

from sandlot.envs import Observation, Step, tree_leaves, tree_map
from sandlot.supervised.networks import Memory
from sandlot.supervised.networks.encoder import TensorTree

from .storage import stored_dtype


class FinalObservations(NamedTuple):
    """Final observations of truncated episodes that the rollout's next row does not show."""

    step: int
    envs: np.ndarray
    """The environments whose episodes were truncated at that step."""
    observation: Observation


class RolloutBuffer:
    """A number of steps of every environment, time-major, in arrays that are used again.

    Observations have one more row than the rest: the last is where the last step led. Rows in which an
    environment only reset are there too, with `valid` false.
    """

    def __init__(self, num_steps: int, observation: Observation, action_shape: tuple[int, ...], action_dtype: np.dtype):
        """Make room for `num_steps`, and put the first `observation` of new environments into it."""
        self.num_steps, self.num_envs = num_steps, len(next(tree_leaves(observation)))
        shape = (num_steps, self.num_envs)
        self.observation: TensorTree = tree_map(self._room_for, observation)
        self.episode_start = np.zeros((num_steps + 1, self.num_envs), bool)
        self.action = np.zeros((*shape, *action_shape), action_dtype)
        self.reward = np.zeros(shape, np.float32)
        self.terminated = np.zeros(shape, bool)
        self.truncated = np.zeros(shape, bool)
        self.valid = np.zeros(shape, bool)
        self.final_observations: list[FinalObservations] = []
        self.length = 0
        self._put(observation, np.ones(self.num_envs, bool))
        self._share_memory()

    @property
    def full(self) -> bool:
        """Whether there is no room for another step."""
        return self.length == self.num_steps

    @property
    def ended(self) -> Bool[np.ndarray, "time env"]:
        """Where an episode ended, either way."""
        return self.terminated | self.truncated

    def add(self, action: np.ndarray, step: Step) -> None:
        """Append what `action` led to."""
        t = self.length
        if step.next_observation is not step.observation and step.truncated.any():
            envs = np.flatnonzero(step.truncated)
            final = tree_map(lambda leaf: leaf[envs], step.next_observation)
            self.final_observations.append(FinalObservations(t, envs, final))
        self.action[t] = action
        self.reward[t] = step.reward
        self.terminated[t] = step.terminated
        self.truncated[t] = step.truncated
        self.valid[t] = step.valid
        self.length = t + 1
        self._put(step.observation, step.episode_start)

    def latest(self, device: torch.device) -> tuple[Any, Bool[Tensor, "1 env"]]:
        """Return the newest observations and where they start an episode, as one row of a sequence on `device`."""
        t = self.length
        observation = tree_map(lambda leaf: leaf[t : t + 1].to(device), self._observation)
        return observation, self._episode_start[t : t + 1].to(device)

    def observations(self, device: torch.device) -> tuple[Any, Bool[Tensor, "longer env"]]:
        """Return all observations, the one after the last step included, and where they start an episode."""
        return tree_map(lambda leaf: leaf.to(device), (self._observation, self._episode_start))

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
        self.final_observations = [
            FinalObservations(t - first, envs, final) for t, envs, final in self.final_observations if t >= first
        ]
        self.length = left

    def grow(self) -> None:
        """Make room for twice as many steps."""

        def grown(array: np.ndarray) -> np.ndarray:
            return np.concatenate([array, np.zeros((self.num_steps, *array.shape[1:]), array.dtype)])

        self.observation = tree_map(grown, self.observation)
        self.episode_start = grown(self.episode_start)
        self.action, self.reward, self.terminated, self.truncated, self.valid = map(grown, self._steps)
        self.num_steps *= 2
        self._share_memory()

    @property
    def _steps(self) -> tuple[np.ndarray, ...]:
        """The arrays with one row for each step."""
        return self.action, self.reward, self.terminated, self.truncated, self.valid

    def _share_memory(self) -> None:
        """Make tensors over the arrays of observations."""
        self._observation = tree_map(torch.from_numpy, self.observation)
        self._episode_start = torch.from_numpy(self.episode_start)

    def _room_for(self, array: np.ndarray) -> np.ndarray:
        return np.zeros((self.num_steps + 1, *array.shape), stored_dtype(array))

    def _put(self, observation: Observation, episode_start: np.ndarray) -> None:
        def put(room: np.ndarray, array: np.ndarray) -> None:
            room[self.length] = array

        tree_map(put, self.observation, observation)
        self.episode_start[self.length] = episode_start


def gae(
    reward: Float[np.ndarray, "time env"],
    value: Float[np.ndarray, "time env"],
    next_value: Float[np.ndarray, "time env"],
    terminated: Bool[np.ndarray, "time env"],
    truncated: Bool[np.ndarray, "time env"],
    gamma: float,
    gae_lambda: float,
) -> Float[np.ndarray, "time env"]:
    """Return the generalised advantage estimates of a rollout.

    `next_value[t]` is the value of where row `t` led: of the final observation where an episode ended. A
    truncated episode would have gone on, so its value counts; a terminated one is worth nothing more.

    Source: Schulman et al., "High-dimensional continuous control using generalized advantage estimation",
    2016, equations 11 to 16.
    """
    delta = reward + gamma * next_value * ~terminated - value
    decay = gamma * gae_lambda * (~(terminated | truncated)).astype(delta.dtype)
    advantage = np.empty_like(delta)
    next_advantage = np.zeros_like(delta[0])
    for t in range(len(delta) - 1, -1, -1):
        next_advantage = delta[t] + decay[t] * next_advantage
        advantage[t] = next_advantage
    return advantage


class RolloutBatch(NamedTuple):
    """A rollout, or rows of one, with values, log-probabilities and advantages under the policy that acted."""

    observation: TensorTree
    episode_start: Bool[Tensor, "time batch"]
    action: Shaped[Tensor, "time batch ..."]
    log_prob: Float[Tensor, "time batch"]
    """NaN for agents whose loss does not need it."""
    value: Float[Tensor, "time batch"]
    advantage: Float[Tensor, "time batch"]
    target: Float[Tensor, "time batch"]
    """Target of the value function: TD(λ)'s return, which is the advantage plus the value."""
    weight: Float[Tensor, "time batch"]
    """0 in rows that only reset. Those of a whole rollout are 0 or 1; those of a minibatch sum to 1."""


def full_batch(rollout: RolloutBatch, normalize_advantage: bool) -> RolloutBatch:
    """Return all rows of a rollout as one batch, its advantages with mean 0 and variance 1 if asked to."""
    weight = rollout.weight / rollout.weight.sum().clamp(min=1.0)
    advantage = rollout.advantage
    if normalize_advantage:
        advantage = weighted_standardize(advantage.view(1, -1), weight.view(1, -1)).view_as(advantage)
    return rollout._replace(weight=weight, advantage=advantage)


def minibatches(
    rollout: RolloutBatch, batch_size: int, epochs: int, generator: Generator, normalize_advantage: bool
) -> Iterator[RolloutBatch]:
    """Yield minibatches of shuffled rows, each row once an epoch, as sequences of length 1.

    `normalize_advantage` gives the advantages of each minibatch mean 0 and variance 1. What can be done once an
    epoch is: a gather or a sum for each minibatch would cost more than its arithmetic.
    """
    rows: RolloutBatch = tree_map(lambda column: column.flatten(0, 1), rollout)
    count = len(rows.weight)
    prepared = _weighted(rows, count, normalize_advantage) if batch_size == count else None
    for _ in range(epochs):
        if batch_size < count:
            order = torch.randperm(count, generator=generator).to(rows.weight.device)
            shuffled = tree_map(lambda column, order=order: column[order], rows)
            prepared = _weighted(shuffled, batch_size, normalize_advantage)
        for first in range(0, count, batch_size):
            yield tree_map(lambda column, first=first: column[first : first + batch_size].unsqueeze(0), prepared)


def split_sequences(rollout: RolloutBatch, memories: Sequence[Memory]) -> tuple[RolloutBatch, Memory]:
    """Return a rollout cut, in time, into a sequence for each memory, all side by side, and their first memories."""

    def fold(column: Shaped[Tensor, "time env ..."]) -> Shaped[Tensor, "shorter batch ..."]:
        return column.unflatten(0, (len(memories), -1)).transpose(0, 1).flatten(1, 2)

    return tree_map(fold, rollout), tree_map(lambda *parts: torch.cat(parts), *memories)


def sequence_minibatches(
    sequences: RolloutBatch,
    memory: Memory,
    batch_size: int,
    epochs: int,
    generator: Generator,
    normalize_advantage: bool,
) -> Iterator[tuple[RolloutBatch, Memory]]:
    """Yield minibatches of `batch_size` whole sequences, with the memory that each begins with."""
    count = sequences.weight.shape[1]
    for _ in range(epochs):
        for chosen in torch.randperm(count, generator=generator).to(sequences.weight.device).split(batch_size):
            part: RolloutBatch = tree_map(lambda column, chosen=chosen: column[:, chosen], sequences)
            first = tree_map(lambda leaf, chosen=chosen: leaf[chosen], memory)
            yield full_batch(part, normalize_advantage), first


def weighted_standardize(
    values: Float[Tensor, "batch row"], weight: Float[Tensor, "batch row"]
) -> Float[Tensor, "batch row"]:
    """Shift and scale each batch of `values` to the weighted mean 0 and variance 1. Its weights sum to 1."""
    centered = values - (values * weight).sum(1, keepdim=True)
    return centered / ((centered.square() * weight).sum(1, keepdim=True).sqrt() + 1e-8)


def _weighted(rows: RolloutBatch, batch_size: int, normalize_advantage: bool) -> RolloutBatch:
    """Return `rows` with the weights and advantages that each minibatch should have."""
    weight = rows.weight.view(-1, batch_size)
    weight = weight / weight.sum(1, keepdim=True).clamp(min=1.0)
    advantage = rows.advantage.view(-1, batch_size)
    if normalize_advantage:
        advantage = weighted_standardize(advantage, weight)
    return rows._replace(weight=weight.flatten(), advantage=advantage.flatten())
