"""The network of classifiers and regressors, and its hyperparameters."""

from dataclasses import dataclass
from typing import Self

from jaxtyping import Float
from torch import Tensor, nn

from sandlot.supervised.data import Batch
from sandlot.supervised.encoder_builder import EncoderConfig
from sandlot.supervised.fitting.config import FitConfig
from sandlot.supervised.modalities.augmentation import Augmentation, augment_images
from sandlot.supervised.modalities.columns import IMAGE
from sandlot.supervised.modalities.config import TextConfig
from sandlot.supervised.modalities.mixup import mix_rows
from sandlot.supervised.modalities.modality import Backbone
from sandlot.supervised.networks import Activation
from sandlot.supervised.transfer.config import TransferConfig
from sandlot.tracking import require


@dataclass(frozen=True, kw_only=True)
class PredictorConfig(FitConfig, TextConfig, EncoderConfig, TransferConfig):
    """Hyperparameters that classifiers and regressors share."""

    learning_rate: float = 1e-3
    max_grad_norm: float = 1.0
    hidden: tuple[int, ...] = (256, 256)
    activation: Activation = "relu"
    memory_length: int = 128
    augment: tuple[Augmentation, ...] = ()
    """Random augmentations of training images."""
    mixup: float = 0.0
    """Mixup's α, the parameter of its Beta distribution; 0 disables mixup."""

    def __post_init__(self) -> None:
        for base in (FitConfig, TextConfig, EncoderConfig, TransferConfig):
            base.__post_init__(self)
        require(self.mixup >= 0, "mixup must be at least 0", self.mixup)


class Predictor(nn.Module):
    """A backbone, which encodes rows of any kind as features, and a linear head on them."""

    def __init__(self, backbone: Backbone, outputs: int):
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(backbone.feature_size, outputs)
        self.frozen: list[nn.Module] = []
        """Layers that stay in evaluation mode while the others train, so that their batch statistics stay too."""

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        for layer in self.frozen:
            layer.eval()
        return self

    @property
    def compiles(self) -> bool:
        """Whether a gradient step can be compiled whole."""
        return self.backbone.compiles

    def forward(self, batch: Batch) -> Float[Tensor, "row output"]:
        """Return the outputs for each row."""
        return self.head(self.backbone(batch))


def augment(batch: Batch, config: PredictorConfig) -> Batch:
    """Return a training batch with its images augmented and its rows mixed, as the config says."""
    if config.augment and IMAGE in batch:
        batch = {**batch, IMAGE: augment_images(batch[IMAGE], config.augment)}
    return mix_rows(batch, config.mixup) if config.mixup else batch
