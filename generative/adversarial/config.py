"""Hyperparameters that all GANs have."""

from dataclasses import dataclass

from sandlot.generative.config import GenerativeConfig
from sandlot.supervised.networks import MapNormalization
from sandlot.supervised.optimization.optimizers import Betas
from sandlot.tracking import require


@dataclass(frozen=True, kw_only=True)
class AdversarialConfig(GenerativeConfig):
    """Hyperparameters that all GANs have."""

    learning_rate: float = 2e-4
    betas: Betas = (0.5, 0.999)
    optimizer_epsilon: float = 1e-8
    latent_size: int = 64
    """Dimensions of the noise."""
    discriminator_learning_rate: float = 0.0
    """Learning rate of the discriminator, if it differs (Heusel et al., 2017); 0 uses the generator's."""
    n_critic: int = 1
    """Discriminator steps per generator step."""
    generator_average: float = 0.999
    """Decay of the exponential moving average of the generator's weights, which makes the samples (Yazıcı et al., "The
    unusual effectiveness of averaging in GAN training", 2019); 0 disables it."""
    generator_normalization: MapNormalization = "batch"
    """Normalization of the generator's feature maps."""
    spectral_norm: bool = False
    """Spectral normalization of the discriminator (Miyato et al., 2018)."""
    r1: float = 0.0
    """Weight of the R1 penalty, on the discriminator's gradient at real rows (Mescheder et al., 2018: 10)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.n_critic >= 1, "n_critic must be at least 1", self.n_critic)
        require(0 <= self.generator_average < 1, "generator_average must be in [0, 1)", self.generator_average)
        for name in ("r1", "discriminator_learning_rate"):
            require(getattr(self, name) >= 0, f"{name} must be at least 0", getattr(self, name))
