"""Value heads: Q-values, distributions of returns, and state values."""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from sandlot.supervised.networks.layers.initialize import orthogonal
from sandlot.supervised.networks.layers.noisy import NoisyLinear

from .precision import in_float32


class ActionValues(nn.Module, ABC):
    """Output `atoms` numbers for each action, from which its Q-value follows.

    Args:
        feature_size: Size of the features.
        actions: Number of actions.
        atoms: Numbers for each action.
        dueling: Add a state value to the actions' advantages.
        noisy: Use noisy layers, which explore.

    Source: Wang et al., "Dueling network architectures for deep reinforcement learning", 2016, equation 9.
    """

    def __init__(self, feature_size: int, actions: int, atoms: int, dueling: bool, noisy: bool):
        super().__init__()
        self.actions, self.atoms = actions, atoms
        self.advantage = _layer(feature_size, actions * atoms, noisy)
        self.value = _layer(feature_size, atoms, noisy) if dueling else None

    def forward(self, features: Float[Tensor, "*batch feature"]) -> Float[Tensor, "*batch action atom"]:
        """Return the atoms of each action."""
        advantage = in_float32(self.advantage, features).unflatten(-1, (self.actions, self.atoms))
        if self.value is None:
            return advantage
        return in_float32(self.value, features).unsqueeze(-2) + advantage - advantage.mean(-2, keepdim=True)

    @abstractmethod
    def values(self, atoms: Float[Tensor, "*batch atom"]) -> Float[Tensor, "*batch"]:
        """Return the Q-values that the atoms represent."""


class QHead(ActionValues):
    """Output the Q-value of each action."""

    def __init__(self, feature_size: int, actions: int, dueling: bool = False, noisy: bool = False):
        super().__init__(feature_size, actions, 1, dueling, noisy)

    def values(self, atoms: Float[Tensor, "*batch atom"]) -> Float[Tensor, "*batch"]:
        return atoms.squeeze(-1)


class QuantileHead(ActionValues):
    """Output quantiles of each action's return, at the midpoints of equal probability intervals (QR-DQN).

    Source: Dabney et al., "Distributional reinforcement learning with quantile regression", 2018.
    """

    def __init__(
        self, feature_size: int, actions: int, quantiles: int = 51, dueling: bool = False, noisy: bool = False
    ):
        super().__init__(feature_size, actions, quantiles, dueling, noisy)

    def values(self, atoms: Float[Tensor, "*batch atom"]) -> Float[Tensor, "*batch"]:
        return atoms.mean(-1)


class CategoricalHead(ActionValues):
    """Output each action's return as log-probabilities of a categorical distribution over fixed atoms (C51).

    Source: Bellemare et al., "A distributional perspective on reinforcement learning", 2017.
    """

    support: Tensor

    def __init__(
        self,
        feature_size: int,
        actions: int,
        low: float,
        high: float,
        atoms: int = 51,
        dueling: bool = False,
        noisy: bool = False,
    ):
        super().__init__(feature_size, actions, atoms, dueling, noisy)
        if not low < high:
            raise ValueError(f"the support's lowest value must be below its highest, not {low} and {high}")
        self.register_buffer("support", torch.linspace(low, high, atoms))

    def forward(self, features: Float[Tensor, "*batch feature"]) -> Float[Tensor, "*batch action atom"]:
        return super().forward(features).log_softmax(-1)

    def values(self, atoms: Float[Tensor, "*batch atom"]) -> Float[Tensor, "*batch"]:
        return (atoms.exp() * self.support).sum(-1)


class ValueHead(nn.Module):
    """Output the value of a state."""

    def __init__(self, feature_size: int):
        super().__init__()
        self.linear = orthogonal(nn.Linear(feature_size, 1), gain=1.0)

    def forward(self, features: Float[Tensor, "*batch feature"]) -> Float[Tensor, "*batch"]:
        return in_float32(self.linear, features).squeeze(-1)


def greedy(values: Float[Tensor, "*batch action"], mask: Bool[Tensor, "*batch action"] | None = None) -> Tensor:
    """Return the highest-valued action of each row, among those that `mask` allows."""
    return (values if mask is None else values.masked_fill(~mask, -torch.inf)).argmax(-1)


def _layer(size: int, outputs: int, noisy: bool) -> nn.Linear:
    return NoisyLinear(size, outputs) if noisy else orthogonal(nn.Linear(size, outputs), gain=1.0)
