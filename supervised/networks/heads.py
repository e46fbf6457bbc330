"""From features to values of actions."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from .initialize import orthogonal


class QHead(nn.Module):
    """The value of each action; `dueling` splits it into the state's value and the actions' advantages.

    Source: Wang et al., "Dueling network architectures for deep reinforcement learning", 2016, equation 9.
    """

    def __init__(self, feature_size: int, actions: int, dueling: bool = False):
        super().__init__()
        self.atoms = DistributionalHead(feature_size, actions, 1, dueling)

    def forward(self, features: Float[Tensor, "*batch feature"]) -> Float[Tensor, "*batch action"]:
        return self.atoms(features).squeeze(-1)


class DistributionalHead(nn.Module):
    """`atoms` numbers for each action, dueling if asked to."""

    def __init__(self, feature_size: int, actions: int, atoms: int, dueling: bool):
        super().__init__()
        self.actions, self.atoms = actions, atoms
        self.advantage = orthogonal(nn.Linear(feature_size, actions * atoms), gain=1.0)
        self.value = orthogonal(nn.Linear(feature_size, atoms), gain=1.0) if dueling else None

    def forward(self, features: Float[Tensor, "*batch feature"]) -> Float[Tensor, "*batch action atom"]:
        advantage = self.advantage(features).unflatten(-1, (self.actions, self.atoms))
        if self.value is None:
            return advantage
        return self.value(features).unsqueeze(-2) + advantage - advantage.mean(-2, keepdim=True)


class QuantileHead(nn.Module):
    """Quantiles of the return of each action, at the midpoints of as many equal shares of probability.

    Source: Dabney et al., "Distributional reinforcement learning with quantile regression", 2018.
    """

    def __init__(self, feature_size: int, actions: int, quantiles: int = 51, dueling: bool = False):
        super().__init__()
        self.quantiles = DistributionalHead(feature_size, actions, quantiles, dueling)

    def forward(self, features: Float[Tensor, "*batch feature"]) -> Float[Tensor, "*batch action quantile"]:
        return self.quantiles(features)

    def mean(self, features: Float[Tensor, "*batch feature"]) -> Float[Tensor, "*batch action"]:
        """Return the value of each action: the mean of its quantiles."""
        return self.quantiles(features).mean(-1)


class CategoricalHead(nn.Module):
    """The return of each action as a distribution over fixed values, C51.

    Source: Bellemare et al., "A distributional perspective on reinforcement learning", 2017.
    """

    support: Tensor

    def __init__(
        self, feature_size: int, actions: int, low: float, high: float, atoms: int = 51, dueling: bool = False
    ):
        super().__init__()
        if not low < high:
            raise ValueError(f"the lowest value of the support must be below the highest, not {low} and {high}")
        self.logits = DistributionalHead(feature_size, actions, atoms, dueling)
        self.register_buffer("support", torch.linspace(low, high, atoms))

    def forward(self, features: Float[Tensor, "*batch feature"]) -> Float[Tensor, "*batch action atom"]:
        """Return the log-probabilities of the values of the support, for each action."""
        return self.logits(features).log_softmax(-1)

    def mean(self, features: Float[Tensor, "*batch feature"]) -> Float[Tensor, "*batch action"]:
        """Return the value of each action: the mean of its distribution."""
        return (self(features).exp() * self.support).sum(-1)


class ValueHead(nn.Module):
    """The value of a state."""

    def __init__(self, feature_size: int):
        super().__init__()
        self.linear = orthogonal(nn.Linear(feature_size, 1), gain=1.0)

    def forward(self, features: Float[Tensor, "*batch feature"]) -> Float[Tensor, "*batch"]:
        return self.linear(features).squeeze(-1)


def greedy(values: Float[Tensor, "*batch action"], mask: Bool[Tensor, "*batch action"] | None = None) -> Tensor:
    """Return the best of the actions that `mask` allows, in each row."""
    return (values if mask is None else values.masked_fill(~mask, -torch.inf)).argmax(-1)
