"""A GAN with a hinge loss and a discriminator that is normalised spectrally.

Source: Miyato et al., "Spectral normalization for generative adversarial networks", 2018; Lim and Ye, "Geometric
GAN", 2017, for the loss.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from sandlot.supervised.optimization.optimizers import Betas

from .base import Adversarial, AdversarialConfig, Scores


@dataclass(frozen=True, kw_only=True)
class HingeGANConfig(AdversarialConfig):
    """Hyperparameters of a GAN with a hinge loss."""

    betas: Betas = (0.0, 0.9)
    widths: tuple[int, ...] = (64, 128)
    """Channels of the convolutions, each of which halves the image, or doubles it."""
    spectral_norm: bool = True


def hinge_loss(real: Scores, fake: Scores) -> Float[Tensor, ""]:
    """Return how far real rows score below 1, and made ones above -1."""
    return (1 - real).relu().mean() + (1 + fake).relu().mean()


class HingeGAN(Adversarial):
    """Learn to make rows that a discriminator, which can't be too steep, scores high."""

    name = "hinge-gan"
    Config = HingeGANConfig
    config: HingeGANConfig

    def discriminator_loss(self, real: Scores, fake: Scores) -> Float[Tensor, ""]:
        return hinge_loss(real, fake)

    def generator_loss(self, fake: Scores) -> Float[Tensor, ""]:
        return -fake.mean()
