"""A GAN that makes rows of the class one asks for.

Source: Mirza and Osindero, "Conditional generative adversarial nets", 2014; Miyato and Koyama, "cGANs with
projection discriminator", 2018, for the discriminator.
"""

from dataclasses import dataclass

from .hinge_gan import HingeGAN, HingeGANConfig


@dataclass(frozen=True, kw_only=True)
class CGANConfig(HingeGANConfig):
    """Hyperparameters of a conditional GAN."""


class CGAN(HingeGAN):
    """Learn to make rows of each class that a discriminator, which is told the class, scores high."""

    name = "cgan"
    Config = CGANConfig

    @property
    def knows_classes(self) -> bool:
        return True
