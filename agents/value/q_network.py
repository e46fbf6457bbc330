"""A value for each action, over any observation: what DQN learns."""

from typing import Any

from gymnasium import Space
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor

from sandlot.agents.spaces.actions import check_mask, discrete_actions
from sandlot.agents.spaces.feature_extractor import FeatureExtractor
from sandlot.agents.spaces.observation_encoder import NetworkConfig, encoder_for
from sandlot.agents.spaces.observations import preprocessor_for
from sandlot.supervised.networks import Memory, greedy, noisy_layers


class QNetwork(FeatureExtractor):
    """The numbers of each action (a value, quantiles, or a distribution's) for each row of a sequence.

    `make_head` makes the head, given the size of the features and the number of actions.
    """

    def __init__(
        self, observation_space: Space, action_space: Space, config: NetworkConfig, make_head: Any, agent: str
    ):
        check_mask(observation_space, action_space)
        inputs = preprocessor_for(observation_space, config.normalize_observations)
        super().__init__(inputs, encoder_for(inputs, config))
        self.choice = discrete_actions(action_space, agent)
        self.head = make_head(self.encoder.feature_size, self.choice.actions)
        self._noisy = noisy_layers(self)

    def forward(
        self, observation: Any, memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> tuple[Float[Tensor, "time batch action"], Memory]:
        """Return the value of each action and the memory after the last row."""
        features, memory = self.read(observation, memory, episode_start)
        return self.head.values(self.head(features)), memory

    def atoms(
        self, observation: Any, episode_start: Bool[Tensor, "longer batch"], burn_in: int = 0
    ) -> Float[Tensor, "time batch action atom"]:
        """Return the numbers of each action from row `burn_in` on. The rows before only fill the memory."""
        return self.head(self.unroll(observation, episode_start, burn_in))

    def best(self, values: Float[Tensor, "*batch action"], observation: Any) -> Int[Tensor, "*batch"]:
        """Return the best legal action of each row."""
        return greedy(values, self.preprocessor.mask(observation))

    def draw_noise(self, generator: Generator) -> None:
        """Draw new noise for the noisy layers, if there are any."""
        for layer in self._noisy:
            layer.draw_noise(generator)

    def quiet(self, quiet: bool) -> None:
        """Silence the noisy layers, or let them be heard again."""
        for layer in self._noisy:
            layer.quiet = quiet
