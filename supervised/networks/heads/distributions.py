"""Distributions over actions, without the overhead of `torch.distributions`.

That package validates arguments and broadcasts at every call; these compute the same in a third of the time, which
the tests check.
"""

import math
from abc import ABC, abstractmethod
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, Shaped
from torch import Generator, Tensor

NEVER = 1e4
"""A Bernoulli logit of minus this has probability 0."""
QUANTILES = 64
"""Quantiles by which the moments of a squashed Gaussian are computed."""


class Distribution(ABC):
    """A distribution over actions for each row of a batch."""

    @abstractmethod
    def sample(self, generator: Generator | None = None) -> Shaped[Tensor, "..."]:
        """Sample an action for each row."""

    @abstractmethod
    def mode(self) -> Shaped[Tensor, "..."]:
        """Return the most likely action of each row."""

    @abstractmethod
    def log_prob(self, action: Shaped[Tensor, "..."]) -> Float[Tensor, "*batch"]:
        """Return the log-probability, or log-density, of each action, in nats."""

    @abstractmethod
    def entropy(self) -> Float[Tensor, "*batch"]:
        """Return each row's entropy, in nats."""

    @abstractmethod
    def kl(self, other: Any) -> Float[Tensor, "*batch"]:
        """Return the Kullback-Leibler divergence from `other` to this distribution, in nats."""


class Categorical(Distribution):
    """A choice among n, or among those that `mask` allows."""

    def __init__(self, logits: Float[Tensor, "*batch choice"], mask: Bool[Tensor, "*batch choice"] | None = None):
        # The lowest float, not -inf: 0 times -inf would make the entropy NaN.
        self.logits = logits if mask is None else logits.masked_fill(~mask, torch.finfo(logits.dtype).min)

    def sample(self, generator: Generator | None = None) -> Int[Tensor, "*batch"]:
        # The Gumbel-max trick: the argmax of logits plus Gumbel noise is a sample of their softmax.
        noise = torch.empty_like(self.logits).exponential_(generator=generator)
        return (self.logits - noise.log_()).argmax(-1)

    def mode(self) -> Int[Tensor, "*batch"]:
        return self.logits.argmax(-1)

    def log_prob(self, action: Int[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        return self._log_probs().gather(-1, action.unsqueeze(-1)).squeeze(-1)

    def probabilities(self) -> Float[Tensor, "*batch choice"]:
        """Return the probability of each choice."""
        return self._log_probs().exp()

    def entropy(self) -> Float[Tensor, "*batch"]:
        log_probs = self._log_probs()
        return -(log_probs.exp() * log_probs).sum(-1)

    def kl(self, other: "Categorical") -> Float[Tensor, "*batch"]:
        log_probs = self._log_probs()
        return (log_probs.exp() * (log_probs - other._log_probs())).sum(-1)

    def _log_probs(self) -> Float[Tensor, "*batch choice"]:
        if not hasattr(self, "_normalized"):
            self._normalized = F.log_softmax(self.logits, dim=-1)
        return self._normalized


class MultiCategorical(Distribution):
    """Several independent choices, the i-th among `choices[i]`, or those of them that `mask` allows."""

    def __init__(
        self,
        logits: Float[Tensor, "*batch total"],
        choices: tuple[int, ...],
        mask: Bool[Tensor, "*batch total"] | None = None,
    ):
        masks = [None] * len(choices) if mask is None else mask.split(choices, dim=-1)
        self.parts = [Categorical(*part) for part in zip(logits.split(choices, dim=-1), masks, strict=True)]

    def sample(self, generator: Generator | None = None) -> Int[Tensor, "*batch part"]:
        return torch.stack([part.sample(generator) for part in self.parts], dim=-1)

    def mode(self) -> Int[Tensor, "*batch part"]:
        return torch.stack([part.mode() for part in self.parts], dim=-1)

    def log_prob(self, action: Int[Tensor, "*batch part"]) -> Float[Tensor, "*batch"]:
        each = [part.log_prob(choice) for part, choice in zip(self.parts, action.unbind(-1), strict=True)]
        return torch.stack(each).sum(0)

    def entropy(self) -> Float[Tensor, "*batch"]:
        return torch.stack([part.entropy() for part in self.parts]).sum(0)

    def kl(self, other: "MultiCategorical") -> Float[Tensor, "*batch"]:
        return torch.stack([part.kl(of) for part, of in zip(self.parts, other.parts, strict=True)]).sum(0)


class Bernoulli(Distribution):
    """Several independent yes-or-no choices; `mask` allows a yes."""

    def __init__(self, logits: Float[Tensor, "*batch switch"], mask: Bool[Tensor, "*batch switch"] | None = None):
        self.logits = logits if mask is None else logits.masked_fill(~mask, -NEVER)

    def sample(self, generator: Generator | None = None) -> Int[Tensor, "*batch switch"]:
        uniform = torch.empty_like(self.logits).uniform_(generator=generator)
        return (uniform < self.logits.sigmoid()).long()

    def mode(self) -> Int[Tensor, "*batch switch"]:
        return (self.logits > 0).long()

    def log_prob(self, action: Int[Tensor, "*batch switch"]) -> Float[Tensor, "*batch"]:
        return -F.binary_cross_entropy_with_logits(self.logits, action.to(self.logits.dtype), reduction="none").sum(-1)

    def entropy(self) -> Float[Tensor, "*batch"]:
        return F.binary_cross_entropy_with_logits(self.logits, self.logits.sigmoid(), reduction="none").sum(-1)

    def kl(self, other: "Bernoulli") -> Float[Tensor, "*batch"]:
        cross = F.binary_cross_entropy_with_logits(other.logits, self.logits.sigmoid(), reduction="none").sum(-1)
        return cross - self.entropy()


class DiagonalGaussian(Distribution):
    """Independent normal variables."""

    def __init__(self, mean: Float[Tensor, "*batch size"], log_std: Float[Tensor, "#*batch size"]):
        self.mean, self.log_std = mean, log_std

    def sample(self, generator: Generator | None = None) -> Float[Tensor, "*batch size"]:
        noise = torch.empty_like(self.mean).normal_(generator=generator)
        return self.mean + noise * self.log_std.exp()

    def mode(self) -> Float[Tensor, "*batch size"]:
        return self.mean

    def log_prob(self, action: Float[Tensor, "*batch size"]) -> Float[Tensor, "*batch"]:
        deviation = (action - self.mean) * (-self.log_std).exp()
        return -(0.5 * deviation.square() + self.log_std + 0.5 * math.log(2 * math.pi)).sum(-1)

    def entropy(self) -> Float[Tensor, "*batch"]:
        each = self.log_std + 0.5 * math.log(2 * math.pi * math.e)
        return each.expand_as(self.mean).sum(-1)

    def kl(self, other: "DiagonalGaussian") -> Float[Tensor, "*batch"]:
        ratio = (2 * (self.log_std - other.log_std)).exp()
        distance = ((self.mean - other.mean) * (-other.log_std).exp()).square()
        return 0.5 * (ratio + distance - 1 - ratio.log()).sum(-1)


class SquashedGaussian(Distribution):
    """Independent normal variables, squashed to (-1, 1) by tanh.

    Source: Haarnoja et al., "Soft actor-critic", 2018, appendix C.
    """

    def __init__(self, mean: Float[Tensor, "*batch size"], log_std: Float[Tensor, "#*batch size"]):
        self.gaussian = DiagonalGaussian(mean, log_std)

    def sample(self, generator: Generator | None = None) -> Float[Tensor, "*batch size"]:
        return self.gaussian.sample(generator).tanh()

    def sample_with_log_prob(
        self, generator: Generator | None = None
    ) -> tuple[Float[Tensor, "*batch size"], Float[Tensor, "*batch"]]:
        """Sample actions with their log-densities, reparameterised: gradients flow to mean and standard deviation."""
        return self.reparameterize(torch.empty_like(self.gaussian.mean).normal_(generator=generator))

    def reparameterize(
        self, noise: Float[Tensor, "*batch size"]
    ) -> tuple[Float[Tensor, "*batch size"], Float[Tensor, "*batch"]]:
        """Return the actions for standard normal `noise`, and their log-densities."""
        mean, log_std = self.gaussian.mean, self.gaussian.log_std
        before = mean + noise * log_std.exp()
        log_prob = -(0.5 * noise.square() + log_std + 0.5 * math.log(2 * math.pi)).sum(-1)
        return before.tanh(), log_prob - self._log_slope(before)

    def mode(self) -> Float[Tensor, "*batch size"]:
        return self.gaussian.mean.tanh()

    def moments(self) -> tuple[Float[Tensor, "*batch size"], Float[Tensor, "*batch size"]]:
        """Return mean and standard deviation, approximated by quantiles of the Gaussian: they have no closed form."""
        quantile = (torch.arange(QUANTILES, device=self.gaussian.mean.device) + 0.5) / QUANTILES
        spread = self.gaussian.log_std.exp().unsqueeze(-1) * (2**0.5 * (2 * quantile - 1).erfinv())
        actions = (self.gaussian.mean.unsqueeze(-1) + spread).tanh()
        return actions.mean(-1), actions.std(-1, correction=0)

    def log_prob(self, action: Float[Tensor, "*batch size"]) -> Float[Tensor, "*batch"]:
        edge = 1 - torch.finfo(action.dtype).eps
        before = action.clamp(-edge, edge).atanh()
        return self.gaussian.log_prob(before) - self._log_slope(before)

    def entropy(self) -> Float[Tensor, "*batch"]:
        """Return an estimate from one sample; there is no closed form."""
        return -self.sample_with_log_prob()[1]

    def kl(self, other: "SquashedGaussian") -> Float[Tensor, "*batch"]:
        # The divergence is invariant under the same map of both.
        return self.gaussian.kl(other.gaussian)

    @staticmethod
    def _log_slope(before: Float[Tensor, "*batch size"]) -> Float[Tensor, "*batch"]:
        """Return log(1 - tanh(x)²), the log of tanh's derivative, accurate for large x too."""
        return (2 * (math.log(2) - before - F.softplus(-2 * before))).sum(-1)
