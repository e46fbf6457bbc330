"""The original generative adversarial network.

Source: Goodfellow et al., "Generative adversarial nets", 2014.
"""

from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from sandlot.tracking import require

from .base import Adversarial, AdversarialConfig, Scores


@dataclass(frozen=True, kw_only=True)
class GANConfig(AdversarialConfig):
    """Hyperparameters of a generative adversarial network."""

    network: str = "mlp"
    """Kind of discriminator: mlp; strided, cnn, impala, resnet, vit or capsule for images."""
    objective: Literal["non-saturating", "minimax"] = "non-saturating"
    """What the generator seeks: that its rows are taken for real, or that they are not told for what they are."""
    label_smoothing: float = 0.1
    """Doubt about real rows that the discriminator is taught (Salimans et al., 2016, section 3.4)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.label_smoothing < 1, "label_smoothing must be in [0, 1)", self.label_smoothing)


def log_loss(real: Scores, fake: Scores, smoothing: float = 0.0) -> Float[Tensor, ""]:
    """Return the discriminator's cross-entropy (equation 1, with the sign changed), with real rows `smoothing` fake."""
    of_real = (1 - smoothing) * F.softplus(-real) + smoothing * F.softplus(real)
    return of_real.mean() + F.softplus(fake).mean()


def non_saturating_loss(fake: Scores) -> Float[Tensor, ""]:
    """Return minus the log-probability that made rows are real (section 3)."""
    return F.softplus(-fake).mean()


def minimax_loss(fake: Scores) -> Float[Tensor, ""]:
    """Return the log-probability that made rows are not real (equation 1)."""
    return -F.softplus(fake).mean()


class GAN(Adversarial):
    """Learn to make rows that a discriminator takes for real."""

    name = "gan"
    Config = GANConfig
    config: GANConfig

    def discriminator_loss(self, real: Scores, fake: Scores) -> Float[Tensor, ""]:
        return log_loss(real, fake, self.config.label_smoothing)

    def generator_loss(self, fake: Scores) -> Float[Tensor, ""]:
        return minimax_loss(fake) if self.config.objective == "minimax" else non_saturating_loss(fake)
