"""Storage of observations in a replay buffer: as they are, or each frame of a stack once."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, Shaped

FRAMES = range(2, 17)
"""How many frames a stack may have."""
SMALLEST_FRAME = 16
FAR = 1e4
"""Size of numbers in float64 from which on they are kept so."""


class Storage(ABC):
    """A ring of slots, each with an observation of every environment."""

    reach: int = 0
    """Earlier slots that an observation needs."""

    @abstractmethod
    def put(self, slot: int, array: Shaped[np.ndarray, "env ..."], episode_start: Bool[np.ndarray, "env"]) -> None:
        """Keep the observations of a slot; those in the rows of `episode_start` begin an episode."""

    @abstractmethod
    def take(self, rows: Int[np.ndarray, "*batch"]) -> Shaped[np.ndarray, "..."]:
        """Return the observations at `rows`: slot times environments plus environment."""

    @abstractmethod
    def state(self, used: int) -> dict[str, np.ndarray]:
        """Return what the first `used` slots hold, by name."""

    @abstractmethod
    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up what `state` returned."""


class ArrayStorage(Storage):
    """Observations as they are, in `dtype`."""

    def __init__(self, like: Shaped[np.ndarray, "env ..."], slots: int, dtype: Any):
        self.array = np.zeros((slots, *like.shape), dtype)
        self.flat = self.array.reshape(-1, *like.shape[1:])

    def put(self, slot: int, array: Shaped[np.ndarray, "env ..."], episode_start: Bool[np.ndarray, "env"]) -> None:
        self.array[slot] = array

    def take(self, rows: Int[np.ndarray, "*batch"]) -> Shaped[np.ndarray, "..."]:
        return self.flat[rows]

    def state(self, used: int) -> dict[str, np.ndarray]:
        return {"array": self.array[:used]}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        self.array[: len(state["array"])] = state["array"]


class FrameStackStorage(Storage):
    """Stacks of frames, oldest first, each of which adds one frame to the stack before.

    Only that frame is stored. Where a stack does not continue the one before, as at an episode's start, all of it is.
    """

    def __init__(self, like: Shaped[np.ndarray, "env frame ..."], slots: int):
        self.num_envs, self.stack = like.shape[:2]
        self.reach = self.stack - 1
        self.frames = np.zeros((slots, self.num_envs, *like.shape[2:]), like.dtype)
        self.age = np.zeros((slots, self.num_envs), np.int64)
        """Slots since the last full stack, up to `reach`."""
        self.full_stacks: dict[int, np.ndarray] = {}
        """Full stacks by row."""
        self._last = np.zeros_like(like)

    def put(self, slot: int, array: Shaped[np.ndarray, "env ..."], episode_start: Bool[np.ndarray, "env"]) -> None:
        follows = ~episode_start & (array[:, :-1] == self._last[:, 1:]).all(tuple(range(1, array.ndim)))
        before = (slot - 1) % len(self.frames)
        self.frames[slot] = array[:, -1]
        self.age[slot] = np.where(follows, np.minimum(self.age[before] + 1, self.reach), 0)
        for env in range(self.num_envs):
            self.full_stacks.pop(slot * self.num_envs + env, None)
        for env in np.flatnonzero(~follows).tolist():
            self.full_stacks[slot * self.num_envs + env] = array[env].copy()
        self._last[:] = array

    def take(self, rows: Int[np.ndarray, "*batch"]) -> Shaped[np.ndarray, "..."]:
        flat = rows.reshape(-1)
        slot, env = np.divmod(flat, self.num_envs)
        back = np.arange(self.stack - 1, -1, -1)
        taken = self.frames[(slot[:, None] - back) % len(self.frames), env[:, None]]
        age = self.age[slot, env]
        for index in np.flatnonzero(age < self.reach).tolist():
            stack = self.full_stacks.get(
                int((slot[index] - age[index]) % len(self.frames) * self.num_envs + env[index])
            )
            if stack is not None:
                older = self.stack - int(age[index])
                taken[index, :older] = stack[self.stack - older :]
        return taken.reshape(*rows.shape, *taken.shape[1:])

    def state(self, used: int) -> dict[str, np.ndarray]:
        stacks = np.zeros((len(self.full_stacks), *self._last.shape[1:]), self.frames.dtype)
        for index, stack in enumerate(self.full_stacks.values()):
            stacks[index] = stack
        rows = np.array(list(self.full_stacks), np.int64)
        return {
            "frames": self.frames[:used],
            "age": self.age[:used],
            "last": self._last,
            "full_rows": rows,
            "full_stacks": stacks,
        }

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        used = len(state["frames"])
        self.frames[:used], self.age[:used] = state["frames"], state["age"]
        self.full_stacks = dict(zip(state["full_rows"].tolist(), state["full_stacks"], strict=True))
        self._last[:] = state["last"]


def storage_for(before: Shaped[np.ndarray, "env ..."], after: Shaped[np.ndarray, "env ..."], slots: int) -> Any:
    """Return an empty storage for observations like `before`, which `after` followed."""
    if _are_stacks(before, after):
        return FrameStackStorage(before, slots)
    return ArrayStorage(before, slots, stored_dtype(before))


def stored_dtype(array: np.ndarray) -> Any:
    """Return the dtype to keep numbers like those of `array` in: float32 for float64.

    That is half the memory. Numbers so large that their differences would be lost, such as times, stay float64.
    """
    halved = array.dtype == np.float64 and np.abs(array).max(initial=0.0) < FAR
    return np.float32 if halved else array.dtype


def restored(state: Mapping[str, np.ndarray], slots: int) -> Storage:
    """Return the storage of `slots` slots whose `state` this is."""
    if "frames" in state:
        storage: Storage = FrameStackStorage(state["last"], slots)
    else:
        storage = ArrayStorage(state["array"][0], slots, state["array"].dtype)
    storage.load_state(state)
    return storage


def _are_stacks(before: Shaped[np.ndarray, "env ..."], after: Shaped[np.ndarray, "env ..."]) -> bool:
    if before.ndim not in (4, 5) or before.dtype != np.uint8 or before.shape[1] not in FRAMES:
        return False
    return sorted(before.shape[2:])[-2] >= SMALLEST_FRAME and bool((after[:, :-1] == before[:, 1:]).all())
