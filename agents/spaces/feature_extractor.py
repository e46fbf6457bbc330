"""Features of observations, as off-policy agents compute them."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from sandlot.envs import tree_map
from sandlot.supervised.networks import Encoder, Memory
from sandlot.supervised.networks.encoder import TensorTree

from .observation_encoder import has_memory
from .observations import ObservationPreprocessor


class FeatureExtractor(nn.Module):
    """An encoder of observations: step by step with its memory carried along, or over rows of a replay buffer."""

    def __init__(self, preprocessor: ObservationPreprocessor, encoder: Encoder):
        super().__init__()
        self.preprocessor, self.encoder = preprocessor, encoder
        self.has_memory = has_memory(encoder)
        """Whether anything is carried between steps."""

    @property
    def compiles(self) -> bool:
        """Whether a gradient step can be compiled whole: shapes that depend on where episodes start can't."""
        return not self.has_memory

    def initial_memory(self, batch: int) -> Memory:
        """Return the memory before an episode."""
        return self.encoder.initial_memory(batch)

    def read(
        self, observation: TensorTree, memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> tuple[Float[Tensor, "time batch feature"], Memory]:
        """Return the features of each row, and the memory after the last."""
        return self.encoder(self.preprocessor(observation), memory, episode_start)

    def unroll(
        self, observation: TensorTree, episode_start: Bool[Tensor, "longer batch"], burn_in: int
    ) -> Float[Tensor, "time batch feature"]:
        """Return the features of each row from `burn_in` on. The rows before only fill the memory."""
        inputs, memory = self.preprocessor(observation), self.initial_memory(episode_start.shape[1])
        if burn_in:
            with torch.no_grad():
                _, memory = self.encoder(tree_map(lambda leaf: leaf[:burn_in], inputs), memory, episode_start[:burn_in])
            inputs, episode_start = tree_map(lambda leaf: leaf[burn_in:], inputs), episode_start[burn_in:]
        return self.encoder.features(inputs, memory, episode_start)

    @torch.no_grad()
    def update_statistics(self, observation: TensorTree, valid: Bool[np.ndarray, "env"]) -> None:
        """Let the observation normaliser take in the `valid` rows."""
        self.preprocessor.update(observation, torch.from_numpy(valid).nonzero().squeeze(-1))
