"""Encoders one after the other."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Bool, Float
from torch import Tensor, nn

from .encoder import Encoder, Memory, Memoryless


class Sequential(Encoder):
    """Chain encoders: each reads the features of the one before."""

    def __init__(self, encoders: Sequence[Encoder]):
        super().__init__()
        self.encoders = nn.ModuleList(encoders)
        self.feature_size = encoders[-1].feature_size

    def initial_memory(self, batch: int) -> Memory:
        return tuple(encoder.initial_memory(batch) for encoder in self.encoders)  # pyright: ignore[reportCallIssue]

    def forward(
        self, inputs: Any, memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> tuple[Float[Tensor, "time batch feature"], Memory]:
        carried = []
        for encoder, before in zip(self.encoders, memory, strict=True):
            inputs, after = encoder(inputs, before, episode_start)
            carried.append(after)
        return inputs, tuple(carried)

    def features(
        self, inputs: Any, memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> Float[Tensor, "time batch feature"]:
        for encoder, before in zip(self.encoders, memory, strict=True):
            inputs = encoder.features(inputs, before, episode_start)  # pyright: ignore[reportCallIssue]
        return inputs


class MemorylessSequential(Memoryless):
    """Chain encoders without memory."""

    def __init__(self, encoders: Sequence[Memoryless]):
        super().__init__()
        self.encoders = nn.ModuleList(encoders)
        self.feature_size = encoders[-1].feature_size

    def encode(self, inputs: Tensor) -> Float[Tensor, "row feature"]:
        for encoder in self.encoders:
            inputs = encoder.encode(inputs)  # pyright: ignore[reportCallIssue]
        return inputs
