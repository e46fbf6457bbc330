"""A GAN that makes rows of the class one asks for.

Source: Mirza and Osindero, "Conditional generative adversarial nets", 2014; Miyato and Koyama, "cGANs with
projection discriminator", 2018, for the discriminator.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from supervised.optimizers import Betas

from .adversarial import Adversarial, AdversarialConfig, Scores
from .hinge_gan import hinge_loss


@dataclass(frozen=True, kw_only=True)
class CGANConfig(AdversarialConfig):
    """Hyperparameters of a conditional GAN."""

    betas: Betas = (0.0, 0.9)
    widths: tuple[int, ...] = (64, 128)
    """Channels of the convolutions, each of which halves the image, or doubles it."""
    spectral_norm: bool = True


class CGAN(Adversarial):
    """Learn to make rows of each class that a discriminator, which is told the class, scores high."""

    name = "cgan"
    Config = CGANConfig
    config: CGANConfig

    @property
    def knows_classes(self) -> bool:
        return True

    def discriminator_loss(self, real: Scores, fake: Scores) -> Float[Tensor, ""]:
        return hinge_loss(real, fake)

    def generator_loss(self, fake: Scores) -> Float[Tensor, ""]:
        return -fake.mean()
