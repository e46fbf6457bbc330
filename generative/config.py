"""Hyperparameters that all generative models have."""

from dataclasses import dataclass

from sandlot.supervised import FitConfig
from sandlot.supervised.encoder_builder import EncoderConfig
from sandlot.supervised.modalities.augmentation import Augmentation
from sandlot.supervised.networks import Activation, NatureCNN, Upsampling
from sandlot.tracking import require


@dataclass(frozen=True, kw_only=True)
class GenerativeConfig(FitConfig, EncoderConfig):
    """Hyperparameters that all generative models have."""

    # Agents mean the same network by `cnn`, so that they can start from an encoder that is trained here.
    cnn = NatureCNN

    network: str = "auto"
    """Encoder or discriminator: mlp; for images also strided, cnn, impala, resnet, vit or capsule. Auto is strided
    for images and mlp for tables. The decoder or generator is an mlp beside an mlp, and else the mirror of strided."""
    learning_rate: float = 1e-3
    max_grad_norm: float = 0.0
    epochs: int = 30
    batch_size: int = 128
    hidden: tuple[int, ...] = (512, 256)
    activation: Activation = "relu"
    latent_size: int = 32
    """Dimensions of the latent space."""
    upsampling: Upsampling = "transposed"
    """Upsampling in decoders: transposed convolutions (faster), or resize (no checkerboard artifacts)."""
    held_out: str = ""
    """Class to hold out of training, for anomaly detection."""
    augment: tuple[Augmentation, ...] = ()
    """Data augmentations of training images."""

    def __post_init__(self) -> None:
        FitConfig.__post_init__(self)
        EncoderConfig.__post_init__(self)
        require(self.latent_size >= 1, "latent_size must be at least 1", self.latent_size)
