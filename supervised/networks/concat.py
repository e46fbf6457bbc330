"""Encoders side by side, for dicts of inputs."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from .encoder import Encoder, Memory


class Concat(Encoder):
    """Encode each entry of a dict of inputs with its own encoder and concatenate the features."""

    def __init__(self, encoders: Mapping[str, Encoder]):
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.feature_size = sum(encoder.feature_size for encoder in encoders.values())

    def initial_memory(self, batch: int) -> Memory:
        return {name: encoder.initial_memory(batch) for name, encoder in self.encoders.items()}  # pyright: ignore[reportCallIssue]

    def forward(
        self, inputs: Mapping[str, Any], memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> tuple[Float[Tensor, "time batch feature"], Memory]:
        features: list[Tensor] = []
        carried: dict[str, Memory] = {}
        for name, encoder in self.encoders.items():
            own, carried[name] = encoder(inputs[name], memory[name], episode_start)
            features.append(own)
        return torch.cat(features, dim=-1), carried
