"""Replay buffer of past transitions."""

from collections.abc import Mapping
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from sandlot.envs import Observation, Step, tree_leaves, tree_map
from sandlot.supervised.networks.encoder import TensorTree

from .config import SampleShape
from .storage import restored, storage_for

Rows = Int[np.ndarray, "*batch"]
"""Indices into a replay buffer: the slot in time times the number of environments, plus the environment."""

COLUMNS = ("episode_start", "action", "reward", "terminated", "truncated", "valid")


class Transitions(NamedTuple):
    """Sequences of rows from a replay buffer, with what followed each: `[time, batch]`, where time may be 1."""

    observation: TensorTree
    episode_start: Bool[Tensor, "time batch"]
    action: Shaped[Tensor, "time batch ..."]
    reward: Float[Tensor, "time batch"]
    """n-step return without its bootstrap: the discounted rewards of the next n steps, or up to the episode's end."""
    discount: Float[Tensor, "time batch"]
    """Discount of the bootstrap: gamma to the power of the steps summed; 0 where the episode terminated."""
    next_observation: TensorTree
    """Where those steps led. For sequences: all rows from the first of the sequence on, n more than it has."""
    next_episode_start: Bool[Tensor, "longer batch"]
    next_index: Int[Tensor, "time batch"] | None
    """For sequences: the row of `next_observation` that each row leads to."""
    weight: Float[Tensor, "time batch"]
    """0 in rows that only reset."""


class ReplayBuffer:
    """The last steps of every environment, in a ring of slots.

    A slot holds an observation and what the action on it led to; the next slot's observation is where that was.
    The newest slot, the head, has no action yet. Rows in which an environment only reset, or in which its
    training segment ended, are there too, with `valid` false: their observation is the one before's outcome.
    """

    latest: tuple[Observation, Bool[np.ndarray, "env"]]
    """The newest observations, and where they start an episode."""

    def __init__(self, capacity: int, action_shape: tuple[int, ...], action_dtype: np.dtype):
        """Prepare for `capacity` env steps; room is made at the first reset."""
        self.capacity, self.action_shape, self.action_dtype = capacity, action_shape, action_dtype
        self.num_envs = self.slots = self.rows = 0
        self.observation: Any = None
        """A tree of storages, made when the first step shows what observations are like."""
        self.final_observations: dict[int, tuple[np.ndarray, Any]] = {}
        """By slot: the environments whose final observation the next slot does not show, and these."""
        self.filled = 0
        self.written = 0
        """Slots that the head has ever passed."""
        self._first: Any = None

    def __len__(self) -> int:
        """Return the number of steps to choose from."""
        return max(0, self.filled - self.reach) * self.num_envs

    @property
    def head(self) -> int:
        """The slot of the newest observation."""
        return self.written % self.slots

    @property
    def reach(self) -> int:
        """Earlier slots that a row's observation needs, where each frame is stored once."""
        return 0 if self.observation is None else max(storage.reach for storage in tree_leaves(self.observation))

    def reset(self, observation: Observation) -> None:
        """Go on with the first observations of new environments."""
        if not self.num_envs:
            self._make_room(len(next(tree_leaves(observation))))
        self.latest = observation, np.ones(self.num_envs, bool)
        if self.filled:
            last = (self.head - 1) % self.slots
            self.truncated[last] |= ~self.terminated[last]
            for column in (self.valid, self.terminated, self.truncated):
                column[self.head] = False
            self._advance()
        if self.observation is None:
            self._first = tree_map(np.array, observation)
        else:
            self._put(observation, np.ones(self.num_envs, bool))

    def add(self, action: np.ndarray, step: Step) -> None:
        """Append what `action` led to."""
        if self.observation is None:
            self.observation = tree_map(
                lambda before, after: storage_for(before, after, self.slots), self._first, step.observation
            )
            self._put(self._first, np.ones(self.num_envs, bool))
        head = self.head
        self.final_observations.pop(head, None)
        if step.next_observation is not step.observation and step.truncated.any():
            envs = np.flatnonzero(step.truncated)
            self.final_observations[head] = (envs, tree_map(lambda leaf: leaf[envs].copy(), step.next_observation))
        self.action[head] = action
        self.reward[head] = step.reward
        self.terminated[head] = step.terminated
        self.truncated[head] = step.truncated
        self.valid[head] = step.valid
        self._advance()
        self._put(step.observation, step.episode_start)
        self.latest = step.observation, step.episode_start

    def can_sample(self, shape: SampleShape) -> bool:
        """Return whether there are enough steps for samples of this shape."""
        return len(self) > shape.length * self.num_envs

    def sample(self, size: int, rng: np.random.Generator, length: int = 1) -> Rows:
        """Sample rows uniformly that begin sequences of `length` steps."""
        first = self.head - self.filled + self.reach
        choices = (self.filled - self.reach - length + 1) * self.num_envs
        assert choices > 0, "there are too few steps to draw from"
        valid = self.valid.reshape(-1)
        rows = (rng.integers(choices, size=size) + first * self.num_envs) % self.rows
        while not (usable := valid[rows]).all():
            rows[~usable] = (rng.integers(choices, size=size - usable.sum()) + first * self.num_envs) % self.rows
        return rows

    def take(self, rows: Rows, shape: SampleShape, gamma: float, n_step: int) -> Transitions:
        """Return the transitions at `rows`, or the sequences that begin there, with their n-step returns."""
        if shape.sequences:
            return self.sequences(rows, shape.length, gamma, n_step)
        return self.transitions(rows, gamma, n_step)

    def transitions(self, rows: Rows, gamma: float, n_step: int = 1) -> Transitions:
        """Return the steps at `rows`, as sequences of length 1, with what the next `n_step` led to."""
        reward, discount, last = self._returns(rows, gamma, n_step)
        after = self._after(last)
        next_observation = self._observations(after[None])
        for index in np.flatnonzero(self.truncated.reshape(-1)[last]) if self.final_observations else ():
            self._put_final(next_observation, int(index), int(last[index]))
        episode_start = torch.ones(1, len(rows), dtype=torch.bool)
        return Transitions(
            tree_map(torch.from_numpy, self._observations(rows[None])),
            episode_start,
            torch.from_numpy(self._flat(self.action)[rows][None]),
            torch.from_numpy(reward[None]),
            torch.from_numpy(discount[None]),
            tree_map(torch.from_numpy, next_observation),
            episode_start,
            None,
            torch.ones(1, len(rows)),
        )

    def sequences(self, rows: Rows, length: int, gamma: float, n_step: int = 1) -> Transitions:
        """Return the sequences of `length` steps that begin at `rows`, with what the next `n_step` led to."""
        grid = (rows + self.num_envs * np.arange(length + n_step)[:, None]) % self.rows
        now = grid[:length]
        reward, discount, last = self._returns(now, gamma, n_step)
        next_index = np.arange(length)[:, None] + ((last - now) % self.rows) // self.num_envs + 1
        episode_start = self.episode_start.reshape(-1)[grid]
        episode_start[0] = True  # whatever came before is not known
        weight = self.valid.reshape(-1)[now].astype(np.float32)
        if self.final_observations:
            unseen = np.isin(last // self.num_envs, list(self.final_observations)) & self.truncated.reshape(-1)[last]
            weight[unseen] = 0.0
        observation = tree_map(torch.from_numpy, self._observations(grid))
        starts = torch.from_numpy(episode_start)
        return Transitions(
            tree_map(lambda leaf: leaf[:length], observation),
            starts[:length],
            torch.from_numpy(self._flat(self.action)[now]),
            torch.from_numpy(reward),
            torch.from_numpy(discount),
            observation,
            starts,
            torch.from_numpy(next_index),
            torch.from_numpy(weight),
        )

    def _make_room(self, num_envs: int) -> None:
        self.num_envs, self.slots = num_envs, self.capacity // num_envs + 1
        self.rows = self.slots * num_envs
        shape = (self.slots, num_envs)
        self.episode_start, self.terminated, self.truncated, self.valid = (np.zeros(shape, bool) for _ in range(4))
        self.action = np.zeros((*shape, *self.action_shape), self.action_dtype)
        self.reward = np.zeros(shape, np.float32)

    def state(self) -> dict[str, np.ndarray]:
        """Return the contents, by name."""
        if self.observation is None:
            return {}
        used = self.slots if self.filled == self.slots - 1 else self.head + 1
        state = {name: getattr(self, name)[:used] for name in COLUMNS}
        state["place"] = np.array([self.written, self.filled])
        for index, storage in enumerate(tree_leaves(self.observation)):
            state |= {f"observation{index}.{name}": array for name, array in storage.state(used).items()}
        for slot, (envs, final_observations) in self.final_observations.items():
            state[f"final.{slot}"] = envs
            state |= {f"final{index}.{slot}": leaf for index, leaf in enumerate(tree_leaves(final_observations))}
        return state

    def load_state(self, state: Mapping[str, np.ndarray], like: Observation) -> None:
        """Take up what `state` returned. `like` is an observation, for its structure."""
        if not state:
            return
        self._make_room(state["valid"].shape[1])
        for name in COLUMNS:
            getattr(self, name)[: len(state[name])] = state[name]
        self.written, self.filled = state["place"].tolist()
        order = count()
        numbered = tree_map(lambda _: next(order), like)

        def part(index: int) -> dict[str, np.ndarray]:
            prefix = f"observation{index}."
            return {name.removeprefix(prefix): state[name] for name in state if name.startswith(prefix)}

        self.observation = tree_map(lambda index: restored(part(index), self.slots), numbered)
        for name in state:
            if name.startswith("final."):
                slot = int(name.removeprefix("final."))
                final_observations = tree_map(lambda index, slot=slot: state[f"final{index}.{slot}"], numbered)
                self.final_observations[slot] = (state[name], final_observations)

    def _returns(self, rows: Rows, gamma: float, n_step: int) -> tuple[np.ndarray, np.ndarray, Rows]:
        """Return the discounted rewards of the next steps, what the value after them counts for, and the last row."""
        flat_reward, terminated = self.reward.reshape(-1), self.terminated.reshape(-1)
        if n_step == 1:
            return flat_reward[rows], np.float32(gamma) * ~terminated[rows], rows
        truncated = self.truncated.reshape(-1)
        reward, at, last = flat_reward[rows], rows, rows
        steps, going = np.ones(rows.shape, np.int64), np.ones(rows.shape, bool)
        for step in range(1, n_step):
            going = going & ~terminated[at] & ~truncated[at]
            at = self._after(at)
            going &= at // self.num_envs != self.head
            reward = reward + np.where(going, gamma**step * flat_reward[at], 0.0)
            last = np.where(going, at, last)
            steps += going
        discount = np.power(gamma, steps) * ~terminated[last]
        return reward.astype(np.float32), discount.astype(np.float32), last

    def _after(self, rows: Rows) -> Rows:
        return (rows + self.num_envs) % self.rows

    def _observations(self, rows: Rows) -> Any:
        return tree_map(lambda storage: storage.take(rows), self.observation)

    def _put_final(self, observation: TensorTree, index: int, row: int) -> None:
        slot, env = divmod(row, self.num_envs)
        envs, final_observations = self.final_observations.get(slot, (np.zeros(0, int), None))
        where = np.flatnonzero(envs == env)
        if where.size:

            def put(leaf: np.ndarray, final: np.ndarray) -> None:
                leaf[0, index] = final[where[0]]

            tree_map(put, observation, final_observations)

    def _advance(self) -> None:
        self.written += 1
        self.filled = min(self.filled + 1, self.slots - 1)

    def _put(self, observation: Observation, episode_start: Bool[np.ndarray, "env"]) -> None:
        tree_map(lambda storage, leaf: storage.put(self.head, leaf, episode_start), self.observation, observation)
        self.episode_start[self.head] = episode_start

    def _flat(self, column: np.ndarray) -> np.ndarray:
        return column.reshape(self.rows, *column.shape[2:])
