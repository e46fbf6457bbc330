"""What a batch of environments went through since the last update."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from envs import Observation, Step, tree_leaves, tree_map


class Rollout:
    """A fixed number of steps of every environment, time-major, in arrays that are used again.

    Observations have one row more than the rest: the last is where the last step led. Rows in which an
    environment only reset are there too, with `acted` false.
    """

    def __init__(self, num_steps: int, num_envs: int, action_shape: tuple[int, ...], action_dtype: np.dtype):
        self.num_steps, self.num_envs = num_steps, num_envs
        shape = (num_steps, num_envs)
        self.observation: Any = None
        self.start = np.zeros((num_steps + 1, num_envs), bool)
        self.action = np.zeros((*shape, *action_shape), action_dtype)
        self.reward = np.zeros(shape, np.float32)
        self.terminated = np.zeros(shape, bool)
        self.truncated = np.zeros(shape, bool)
        self.acted = np.zeros(shape, bool)
        self.final_value = np.full(shape, np.nan, np.float32)
        self.length = 0

    @property
    def full(self) -> bool:
        """Whether there is no room for another step."""
        return self.length == self.num_steps

    def begin(self, observation: Observation) -> None:
        """Start anew from the first observations of episodes."""
        if self.observation is None:
            self.observation = tree_map(self._room_for, observation)
        self.length = 0
        self._put(observation, np.ones(self.num_envs, bool))

    def add(self, action: np.ndarray, step: Step) -> None:
        """Append what `action` led to."""
        t = self.length
        self.action[t] = action
        self.reward[t] = step.reward
        self.terminated[t] = step.terminated
        self.truncated[t] = step.truncated
        self.acted[t] = step.acted
        self.length = t + 1
        self._put(step.observation, step.start)

    def keep_final_value(self, value: Float[np.ndarray, "env"], rows: Bool[np.ndarray, "env"]) -> None:
        """Note the values of final observations that the next row won't show, before `add`."""
        self.final_value[self.length, rows] = value[rows]

    def go_on(self) -> None:
        """Start the next rollout where this one ended."""
        last = tree_map(lambda array: array[self.length], self.observation)
        start = self.start[self.length].copy()
        self.length = 0
        self.final_value.fill(np.nan)
        self._put(last, start)

    def next_value(self, value: Float[np.ndarray, "time_and_last env"]) -> Float[np.ndarray, "time env"]:
        """Return the value of where each row led, given that of each observation.

        `final_value` holds those of final observations that the next row no longer shows.
        """
        return np.where(np.isnan(self.final_value), value[1:], self.final_value)

    def _room_for(self, array: np.ndarray) -> np.ndarray:
        dtype = np.float32 if array.dtype == np.float64 else array.dtype
        return np.zeros((self.num_steps + 1, *array.shape), dtype)

    def _put(self, observation: Observation, start: np.ndarray) -> None:
        def put(room: np.ndarray, array: np.ndarray) -> None:
            room[self.length] = array

        tree_map(put, self.observation, observation)
        self.start[self.length] = start


def shuffled_rows(
    columns: Any, batch_size: int, epochs: int, device: torch.device, generator: Generator
) -> Iterator[Any]:
    """Yield minibatches of the rows of time-major `columns`, every row once an epoch, as sequences of length 1.

    One gather an epoch is cheaper than one a minibatch, and a batch of all rows needs none.
    """
    rows = tree_map(lambda column: column.flatten(0, 1), columns)
    count = len(next(tree_leaves(rows)))
    for _ in range(epochs):
        shuffled = rows
        if batch_size < count:
            order = torch.randperm(count, generator=generator).to(device)
            shuffled = tree_map(lambda column, order=order: column[order], rows)
        for first in range(0, count, batch_size):
            yield tree_map(lambda column, first=first: column[first : first + batch_size].unsqueeze(0), shuffled)


def weighted_standardize(values: Float[Tensor, "*batch"], weight: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """Shift and scale `values` to the weighted mean 0 and variance 1. Weights sum to 1."""
    centered = values - (values * weight).sum()
    return centered / ((centered.square() * weight).sum().sqrt() + 1e-8)
