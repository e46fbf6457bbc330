"""Encoders one after the other."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Bool, Float
from torch import Tensor, nn

from .encoder import Encoder, Memory


class Sequential(Encoder):
    """Encode with each of several encoders in turn, each reading the features of the one before."""

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
        for encoder, part in zip(self.encoders, memory, strict=True):
            inputs, after = encoder(inputs, part, episode_start)
            carried.append(after)
        return inputs, tuple(carried)

    def features(
        self, inputs: Any, memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> Float[Tensor, "time batch feature"]:
        for encoder, part in zip(self.encoders, memory, strict=True):
            inputs = encoder.features(inputs, part, episode_start)  # pyright: ignore[reportCallIssue]
        return inputs
