"""The Wasserstein GAN with a gradient penalty.

Source: Gulrajani et al., "Improved training of Wasserstein GANs", 2017.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from sandlot.generative.base import LABEL, Label, Rows
from sandlot.supervised.data import Batch
from sandlot.supervised.optimization.optimizers import Betas
from sandlot.tracking import require

from .base import Adversarial, AdversarialConfig, Scores


@dataclass(frozen=True, kw_only=True)
class WGANGPConfig(AdversarialConfig):
    """Hyperparameters of a Wasserstein GAN with a gradient penalty."""

    betas: Betas = (0.0, 0.9)
    n_critic: int = 5
    widths: tuple[int, ...] = (64, 128)
    """Channels of the convolutions, each of which halves the image, or doubles it."""
    penalty_weight: float = 10.0
    """Weight of the gradient penalty (λ in the paper); 0 for none, and then nothing holds the critic in check."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.penalty_weight >= 0, "penalty_weight must be at least 0", self.penalty_weight)


def critic_loss(real: Scores, fake: Scores) -> Float[Tensor, ""]:
    """Return minus an estimate of how far the made rows are from the real ones (equation 2)."""
    return fake.mean() - real.mean()


def gradient_penalty(
    critic: Any, real: Rows, fake: Rows, share: Float[Tensor, "row ..."], label: Label
) -> Float[Tensor, ""]:
    """Return how far the critic's slopes are from 1, at the `share` of the way from made rows to real ones.

    Equation 3, without its weight.
    """
    between = (share * real + (1 - share) * fake).detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(between, label).sum(), between, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


class WGANGP(Adversarial):
    """Learn to make rows that are near the real ones, by a critic's measure of the distance."""

    name = "wgan-gp"
    Config = WGANGPConfig
    config: WGANGPConfig

    def discriminator_loss(self, real: Scores, fake: Scores) -> Float[Tensor, ""]:
        return critic_loss(real, fake)

    def generator_loss(self, fake: Scores) -> Float[Tensor, ""]:
        return -fake.mean()

    def penalty(self, discriminator: Any, batch: Batch) -> Float[Tensor, ""] | None:
        if not self.config.penalty_weight:
            return None
        penalty = gradient_penalty(discriminator, batch["real"], batch["fake"], batch["share"], batch.get(LABEL))
        return self.config.penalty_weight * penalty
