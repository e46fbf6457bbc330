"""A GAN of convolutions.

Source: Radford et al., "Unsupervised representation learning with deep convolutional generative adversarial
networks", 2016.
"""

from dataclasses import dataclass

from torch import nn

from sandlot.supervised.networks import initialize_normally

from .gan import GAN, GANConfig


@dataclass(frozen=True, kw_only=True)
class DCGANConfig(GANConfig):
    """Hyperparameters of a deep convolutional GAN."""

    network: str = "auto"
    """Kind of discriminator: mlp; strided, cnn, impala, resnet, vit or capsule for images. Auto is strided for
    images and an mlp for the rest."""
    widths: tuple[int, ...] = (64, 128)
    """Channels of the convolutions, each of which halves the image, or doubles it."""


class DCGAN(GAN):
    """Learn to make images, with the GAN's loss and networks of convolutions that start from narrow weights."""

    name = "dcgan"
    Config = DCGANConfig

    def initialize(self, network: nn.Module) -> nn.Module:
        return initialize_normally(network)
