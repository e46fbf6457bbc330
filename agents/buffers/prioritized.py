"""Prioritized experience replay."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from .replay import ReplayBuffer

FAN = 64


class PrioritizedSample(NamedTuple):
    """Sampled rows, and the probability of each."""

    rows: Int[np.ndarray, "sample"]
    probability: Float[np.ndarray, "sample"]


class SumTree:
    """Sum tree: priorities that are changed and sampled in proportion, in logarithmic time.

    A node is the sum of its 64 children, and is summed anew whenever one changes, so no error builds up and
    samples depend on the leaves alone. Priorities are changed and sampled many at a time.

    Source: Schaul et al., "Prioritized experience replay", 2016, appendix B.2.1.
    """

    def __init__(self, size: int):
        self.levels: list[np.ndarray] = []
        while True:
            size = -(-size // FAN)
            self.levels.insert(0, np.zeros((size, FAN)))
            if size == 1:
                break

    @property
    def leaves(self) -> Float[np.ndarray, "leaf"]:
        """The priorities, with zeros after the last."""
        return self.levels[-1].reshape(-1)

    @property
    def total(self) -> float:
        """The sum of all."""
        return float(self.levels[0].sum())

    def set(self, rows: Int[np.ndarray, "row"], values: Float[np.ndarray, "row"]) -> None:
        """Set the priorities of `rows`."""
        self.leaves[rows] = values
        for below, above in zip(self.levels[:0:-1], self.levels[-2::-1], strict=True):
            rows = rows // FAN
            above.reshape(-1)[rows] = below[rows].sum(1)

    def sample(self, size: int, rng: np.random.Generator) -> PrioritizedSample:
        """Sample `size` rows in proportion to their priorities, stratified into equal shares of the total."""
        total = self.total
        left = (np.arange(size) + rng.random(size)) * (total / size)
        rows = np.zeros(size, np.int64)
        for level in self.levels:
            children = level[rows]
            below = children.cumsum(1)
            # Rounding may leave a little more than there is: the last child that has something takes it.
            last = FAN - 1 - (children[:, ::-1] > 0).argmax(1)
            child = np.minimum((below <= left[:, None]).sum(1), last)
            left -= np.where(child > 0, below[np.arange(size), child - 1], 0.0)
            rows = rows * FAN + child
        return PrioritizedSample(rows, self.leaves[rows] / total)


class PrioritizedSampler:
    """Sample rows of a replay buffer in proportion to their last TD error.

    A row stands for the sequence of `length` rows that begins there. New rows get the highest priority so far.

    Source: Schaul et al., 2016, section 3.3, proportional; for sequences Kapturowski et al., "Recurrent
    experience replay in distributed reinforcement learning" (R2D2), 2019, section 2.3.
    """

    EPSILON = 1e-6
    MAX_WEIGHT = 0.9
    """Weight of the largest TD error, against the mean, in a sequence's priority."""

    def __init__(self, replay: ReplayBuffer, exponent: float, length: int = 1):
        self.replay, self.exponent, self.length = replay, exponent, length
        self.tree = SumTree(replay.rows)
        self.highest = 1.0
        self.known = 0
        """Slots that have a priority, counted from the first ever."""

    def sample(self, size: int, rng: np.random.Generator) -> PrioritizedSample:
        """Sample `size` rows in proportion to their priorities."""
        self._add_new_rows()
        return self.tree.sample(size, rng)

    def update(self, rows: Int[np.ndarray, "sample"], td_error: Float[np.ndarray, "time sample"]) -> None:
        """Set the priorities of `rows` to their TD errors."""
        td_error = self.MAX_WEIGHT * td_error.max(0) + (1 - self.MAX_WEIGHT) * td_error.mean(0)
        priority = (td_error.astype(np.float64) + self.EPSILON) ** self.exponent
        self.highest = max(self.highest, float(priority.max()))
        self.tree.set(rows, priority)

    def state(self) -> dict[str, np.ndarray]:
        """Return the priorities, by name."""
        leaves = self.tree.leaves
        return {"leaves": leaves, "highest": np.array(self.highest), "known": np.array(self.known)}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up what `state` returned."""
        self.tree.set(np.arange(len(state["leaves"])), state["leaves"])
        self.highest, self.known = state["highest"].item(), state["known"].item()

    def _add_new_rows(self) -> None:
        replay = self.replay
        first, end = replay.written - replay.filled + replay.reach, replay.written - self.length + 1
        # Slots that are being overwritten, or whose frames are, can't be sampled any longer.
        gone = np.arange(replay.written, replay.written + replay.reach + 1) % replay.slots
        new = np.arange(max(self.known, first), end) % replay.slots
        for slots, priority in ((gone, 0.0), (new, self.highest)):
            rows = (slots[:, None] * replay.num_envs + np.arange(replay.num_envs)).reshape(-1)
            self.tree.set(rows, np.where(replay.valid.reshape(-1)[rows], priority, 0.0))
        self.known = max(self.known, end)


def importance_weights(probability: Float[np.ndarray, "sample"], beta: float) -> Float[np.ndarray, "sample"]:
    """Return the importance-sampling weights, scaled so that the greatest is 1.

    Source: Schaul et al., 2016, section 3.4.
    """
    weight = probability**-beta
    return (weight / weight.max()).astype(np.float32)
