"""How a generative model is made and trained."""

from dataclasses import dataclass

from sandlot.supervised import FitConfig
from sandlot.supervised.encoder_builder import EncoderConfig
from sandlot.supervised.modalities.augmentation import Augmentation
from sandlot.supervised.networks import Activation, NatureCNN, Upsampling
from sandlot.tracking import require


@dataclass(frozen=True, kw_only=True)
class GenerativeConfig(FitConfig, EncoderConfig):
    """How a generative model is made and trained."""

    # What agents call a cnn: an encoder that is trained here can be theirs.
    cnn = NatureCNN

    network: str = "auto"
    """Kind of encoder or discriminator: mlp; strided, cnn, impala, resnet, vit or capsule for images. Auto is
    strided for images and an mlp for the rest; what makes images mirrors strided, or is an mlp beside one."""
    learning_rate: float = 1e-3
    max_grad_norm: float = 0.0
    epochs: int = 30
    batch_size: int = 128
    hidden: tuple[int, ...] = (512, 256)
    activation: Activation = "relu"
    latent_size: int = 32
    """Numbers that a row is made from."""
    upsampling: Upsampling = "transposed"
    """How maps are doubled: by transposed convolutions, which are faster, or resized, which leaves no checkerboards."""
    held_out: str = ""
    """A class that is not learned from, so that the model can be tried on what it does not know."""
    augment: tuple[Augmentation, ...] = ()
    """Random changes of images while learning."""

    def __post_init__(self) -> None:
        FitConfig.__post_init__(self)
        EncoderConfig.__post_init__(self)
        require(self.latent_size >= 1, "latent_size must be at least 1", self.latent_size)
