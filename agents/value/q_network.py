"""A value for each action over any observation, and the losses and targets of its three forms.

The numbers that the network gives for an action are its atoms: one value, quantiles of the return's distribution,
or log-probabilities of fixed values.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from gymnasium import Space
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor

from sandlot.agents.spaces.actions import check_mask, discrete_actions
from sandlot.agents.spaces.feature_extractor import FeatureExtractor
from sandlot.agents.spaces.observation_encoder import NetworkConfig, encoder_for
from sandlot.agents.spaces.observations import preprocessor_for
from sandlot.supervised.networks import CategoricalHead, Memory, QHead, QuantileHead, greedy, noisy_layers
from sandlot.supervised.networks.encoder import TensorTree
from sandlot.supervised.networks.heads.values import ActionValues
from sandlot.tracking import require

Distribution = Literal["none", "c51", "quantile"]


@dataclass(frozen=True, kw_only=True)
class QHeadConfig:
    """What the network gives for an action: a value, or a distribution of the return."""

    dueling: bool = False
    """Dueling heads for state value and advantages (Wang et al., 2016)."""
    noisy: bool = False
    """Noisy layers instead of ε-greedy exploration (Fortunato et al., 2018)."""
    distribution: Distribution = "none"
    """Distributional Q-learning: c51 (categorical) or quantile (quantile regression)."""
    atoms: int = 51
    """Atoms or quantiles of the distribution."""
    value_low: float = -100.0
    """Lowest atom of c51 (V_min)."""
    value_high: float = 100.0
    """Highest atom of c51 (V_max)."""

    def __post_init__(self) -> None:
        require(self.atoms >= 2, "atoms must be at least 2", self.atoms)
        require(self.value_low < self.value_high, "value_low must be below value_high", self.value_low)


def head_factory(config: QHeadConfig) -> Callable[[int, int], ActionValues]:
    """Return what makes the head, given the size of the features and the number of actions."""
    parts = {"dueling": config.dueling, "noisy": config.noisy}
    match config.distribution:
        case "quantile":
            return partial(QuantileHead, quantiles=config.atoms, **parts)
        case "c51":
            return partial(CategoricalHead, low=config.value_low, high=config.value_high, atoms=config.atoms, **parts)
        case _:
            return partial(QHead, **parts)


class QNetwork(FeatureExtractor):
    """The atoms of each action for each row of a sequence.

    `make_head` makes the head, given the size of the features and the number of actions; `agent` is the name in
    error messages.
    """

    def __init__(
        self,
        observation_space: Space,
        action_space: Space,
        config: NetworkConfig,
        make_head: Callable[[int, int], ActionValues],
        agent: str,
    ):
        check_mask(observation_space, action_space)
        preprocessor = preprocessor_for(observation_space, config.normalize_observations)
        super().__init__(preprocessor, encoder_for(preprocessor, config))
        self.actions = discrete_actions(action_space, agent)
        self.head = make_head(self.encoder.feature_size, self.actions.n)
        self._noisy = noisy_layers(self)

    def forward(
        self, observation: TensorTree, memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> tuple[Float[Tensor, "time batch action"], Memory]:
        """Return the value of each action, and the memory after the last row."""
        features, memory = self.read(observation, memory, episode_start)
        return self.head.values(self.head(features)), memory

    def atoms(
        self, observation: TensorTree, episode_start: Bool[Tensor, "longer batch"], burn_in: int = 0
    ) -> Float[Tensor, "time batch action atom"]:
        """Return the atoms of each action from row `burn_in` on. The rows before only fill the memory."""
        return self.head(self.unroll(observation, episode_start, burn_in))

    def greedy_action(self, values: Float[Tensor, "*batch action"], observation: TensorTree) -> Int[Tensor, "*batch"]:
        """Return the best legal action of each row."""
        return greedy(values, self.preprocessor.mask(observation))

    def random_action(self, observation: TensorTree, count: int, rng: np.random.Generator) -> Int[np.ndarray, "batch"]:
        """Draw a legal action for each of `count` rows."""
        mask = self.preprocessor.mask(observation)
        if mask is None:
            return rng.integers(self.actions.n, size=count)
        return np.where(mask.cpu().numpy(), rng.random(mask.shape), -1.0).argmax(-1)

    def to_env(self, action: np.ndarray) -> np.ndarray:
        """Return chosen actions as the environment takes them."""
        return self.actions.to_env(action)

    def resample_noise(self, generator: Generator) -> None:
        """Draw new noise for the noisy layers, if there are any."""
        for layer in self._noisy:
            layer.draw_noise(generator)

    def use_noise(self, use: bool) -> None:
        """Turn the noise of the noisy layers on or off."""
        for layer in self._noisy:
            layer.quiet = not use


def huber(values: Float[Tensor, "*batch atom"], target: Float[Tensor, "*batch atom"]) -> Float[Tensor, "*batch"]:
    """Return the Huber loss, DQN's clipped error."""
    return F.smooth_l1_loss(values, target, reduction="none").squeeze(-1)


def cross_entropy(
    log_probs: Float[Tensor, "*batch atom"], target: Float[Tensor, "*batch atom"]
) -> Float[Tensor, "*batch"]:
    """Return the cross-entropy from the target's distribution (Bellemare et al., 2017, algorithm 1)."""
    return -(target * log_probs).sum(-1)


def quantile_huber(
    quantiles: Float[Tensor, "*batch quantile"], target: Float[Tensor, "*batch atom"]
) -> Float[Tensor, "*batch"]:
    """Return the quantile Huber loss with kappa 1 (Dabney et al., 2018, equation 10)."""
    count = quantiles.shape[-1]
    tau = (torch.arange(count, device=quantiles.device) + 0.5) / count
    u = target.unsqueeze(-2) - quantiles.unsqueeze(-1)
    absolute = u.abs()
    loss = torch.where(absolute < 1, 0.5 * u.square(), absolute - 0.5)
    return ((tau[:, None] - (u.detach() < 0).to(u.dtype)).abs() * loss).mean(-1).sum(-1)


def td_target(
    reward: Float[Tensor, "*batch"], discount: Float[Tensor, "*batch"], next_atoms: Float[Tensor, "*batch atom"]
) -> Float[Tensor, "*batch atom"]:
    """Return the targets of values or quantiles: the rewards plus the discounted values of the next states."""
    return reward.unsqueeze(-1) + discount.unsqueeze(-1) * next_atoms


def categorical_projection(
    probability: Float[Tensor, "*batch atom"],
    reward: Float[Tensor, "*batch"],
    discount: Float[Tensor, "*batch"],
    support: Float[Tensor, "atom"],
) -> Float[Tensor, "*batch atom"]:
    """Return the distribution of reward plus discounted return, projected onto the support.

    Source: Bellemare et al., 2017, equation 7.
    """
    low, high = support[0], support[-1]
    width = (high - low) / (len(support) - 1)
    shifted = (reward.unsqueeze(-1) + discount.unsqueeze(-1) * support).clamp(low, high)
    # Each shifted atom shares its probability between its two neighbours in the support.
    share = (1 - (shifted.unsqueeze(-2) - support.unsqueeze(-1)).abs() / width).clamp(0, 1)
    return (share * probability.unsqueeze(-2)).sum(-1)


def q_taken(
    atoms: Float[Tensor, "time batch action atom"], action: Int[Tensor, "time batch"]
) -> Float[Tensor, "time batch atom"]:
    """Return the atoms of the actions taken."""
    index = action[..., None, None].expand(*action.shape, 1, atoms.shape[-1])
    return atoms.gather(-2, index).squeeze(-2)
