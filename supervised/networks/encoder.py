"""The one interface that every network of the project has."""

from abc import ABC, abstractmethod
from typing import Any

from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn

Memory = Any
"""What a network carries between calls: a tensor `[batch, …]`, a tuple of them, or `()` for none."""


class Encoder(nn.Module, ABC):
    """Turn sequences of inputs into sequences of features.

    Inputs are time-major. `episode_start[t, b]` says that an episode begins at row `t`: whatever was in memory
    before it must not reach it. Stepping one row at a time equals one call on the whole sequence.
    """

    feature_size: int

    @abstractmethod
    def forward(
        self, inputs: Any, memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> tuple[Float[Tensor, "time batch feature"], Memory]:
        """Return the features of each row and the memory after the last."""

    def features(
        self, inputs: Any, memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> Float[Tensor, "time batch feature"]:
        """Return the features alone. Networks to which the memory is extra work leave that out."""
        return self(inputs, memory, episode_start)[0]

    def initial_memory(self, batch: int) -> Memory:
        """Return the memory of a network that has seen nothing, for `batch` sequences."""
        return ()

    def no_memory(self, batch: int) -> Memory:
        """Return the memory for sequences that begin with their first row and are not gone on with."""
        return self.initial_memory(batch)


class Memoryless(Encoder):
    """An encoder whose features at a row depend on that row alone."""

    @abstractmethod
    def encode(self, inputs: Shaped[Tensor, "row ..."]) -> Float[Tensor, "row feature"]:
        """Return the features of each row, whatever its time."""

    def forward(
        self, inputs: Shaped[Tensor, "time batch ..."], memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> tuple[Float[Tensor, "time batch feature"], Memory]:
        features = self.encode(inputs.flatten(0, 1))
        return features.unflatten(0, episode_start.shape), memory
