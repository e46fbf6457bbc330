"""The interface that every network of the project implements."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypeAlias

from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn

if TYPE_CHECKING:
    TensorTree: TypeAlias = Tensor | dict[Any, "TensorTree"] | tuple["TensorTree", ...]
else:
    TensorTree = Any  # run-time shape checks can't follow a recursive type

Memory: TypeAlias = Any
"""Recurrent state: a tensor `[batch, …]`, a (named) tuple or dict of them, or `()` for networks without memory."""


class Encoder(nn.Module, ABC):
    """Encode sequences of inputs as sequences of features.

    Inputs are time-major, `[time, batch, …]`. With them come the memory that the last call returned and
    `episode_start`; `episode_start[t, b]` is true if an episode begins at row `t` of column `b`. Implement it so that

    - nothing from before an episode's start reaches the features at or after it: clear the memory there;
    - calling it row by row gives the same features as one call on the whole sequence. Agents step row by row while
      acting, and run whole sequences while learning.

    A subclass sets `feature_size`, the size of the last dimension of its features, and implements `forward`, and
    `initial_memory` if it has memory. If each row is encoded on its own, subclass `Memoryless` instead.

    Example:
        A running average of the inputs in each episode, whose decay is learned::

            class RunningAverage(Encoder):
                def __init__(self, input_size: int, decay: float = 0.9):
                    super().__init__()
                    self.feature_size = input_size
                    self.decay = nn.Parameter(torch.tensor(decay))

                def initial_memory(self, batch):
                    return self.decay.new_zeros(batch, self.feature_size)

                def forward(self, inputs, memory, episode_start):
                    features = []
                    for row, start in zip(inputs, episode_start):
                        memory = torch.where(start[:, None], 0.0, memory)
                        memory = self.decay * memory + (1 - self.decay) * row
                        features.append(memory)
                    return torch.stack(features), memory
    """

    feature_size: int
    """Size of the features' last dimension."""

    @abstractmethod
    def forward(
        self, inputs: Any, memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> tuple[Float[Tensor, "time batch feature"], Memory]:
        """Return the features of each row, and the memory after the last row.

        Args:
            inputs: `[time, batch, …]`, or a dict of such tensors for inputs of several kinds.
            memory: What the previous call returned, or `initial_memory`.
            episode_start: Where an episode begins.
        """

    def features(
        self, inputs: Any, memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> Float[Tensor, "time batch feature"]:
        """Return the features alone. Override it if computing the memory costs extra."""
        return self(inputs, memory, episode_start)[0]

    def initial_memory(self, batch: int) -> Memory:
        """Return the memory before the first call, for `batch` sequences."""
        return ()

    def no_memory(self, batch: int) -> Memory:
        """Return the memory for `batch` whole sequences. Override it if empty memory costs extra."""
        return self.initial_memory(batch)


class Memoryless(Encoder):
    """Encode each row on its own.

    Example:
        >>> class Linear(Memoryless):
        ...     def __init__(self, input_size: int, size: int = 64):
        ...         super().__init__()
        ...         self.feature_size = size
        ...         self.linear = nn.Linear(input_size, size)
        ...
        ...     def encode(self, x):
        ...         return self.linear(x).relu()
    """

    @abstractmethod
    def encode(self, inputs: Shaped[Tensor, "row ..."]) -> Float[Tensor, "row feature"]:
        """Return the features of each row; time and batch are flattened into one dimension."""

    def forward(
        self, inputs: Shaped[Tensor, "time batch ..."], memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> tuple[Float[Tensor, "time batch feature"], Memory]:
        features = self.encode(inputs.flatten(0, 1))
        return features.unflatten(0, episode_start.shape), memory
