"""A GAN of convolutions.

Source: Radford et al., "Unsupervised representation learning with deep convolutional generative adversarial
networks", 2016.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from supervised.networks import initialize_normally
from tracking import require

from .adversarial import Adversarial, AdversarialConfig, Scores
from .gan import log_loss, non_saturating_loss


@dataclass(frozen=True, kw_only=True)
class DCGANConfig(AdversarialConfig):
    """Hyperparameters of a deep convolutional GAN."""

    widths: tuple[int, ...] = (64, 128)
    """Channels of the convolutions, each of which halves the image, or doubles it."""
    label_smoothing: float = 0.1
    """Doubt about real rows that the discriminator is taught (Salimans et al., 2016, section 3.4)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.label_smoothing < 1, "label_smoothing must be in [0, 1)", self.label_smoothing)


class DCGAN(Adversarial):
    """Learn to make images, with the GAN's loss and networks of convolutions that start from narrow weights."""

    name = "dcgan"
    Config = DCGANConfig
    config: DCGANConfig

    def initialize(self, network: nn.Module) -> nn.Module:
        return initialize_normally(network)

    def discriminator_loss(self, real: Scores, fake: Scores) -> Float[Tensor, ""]:
        return log_loss(real, fake, self.config.label_smoothing)

    def generator_loss(self, fake: Scores) -> Float[Tensor, ""]:
        return non_saturating_loss(fake)
