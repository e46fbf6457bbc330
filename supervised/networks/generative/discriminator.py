"""What tells real rows from made ones."""

from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from sandlot.supervised.networks.heads.precision import in_float32

WEIGHED = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d, nn.Embedding)


class Discriminator(nn.Module):
    """Give each row a number, the higher the more real it looks, for the class it claims to be of, if there are any.

    Source of the classes' part, a projection: Miyato and Koyama, "cGANs with projection discriminator", 2018.
    """

    compiles = False
    captures = True
    """Penalties and normalisations take derivatives and steps that a compiled gradient can't."""

    def __init__(self, encoder: Any, classes: int = 0):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.feature_size, 1)
        self.embedding = nn.Embedding(classes, encoder.feature_size) if classes else None

    def forward(
        self, inputs: Float[Tensor, "row ..."], label: Int[Tensor, "row"] | None = None
    ) -> Float[Tensor, "row"]:
        """Return the number of each row."""
        features = self.encoder.encode(inputs)
        score = in_float32(self.head, features).squeeze(-1)
        if self.embedding is None:
            return score
        return score + (self.embedding(label) * features).sum(-1)


def normalize_spectrally(module: nn.Module) -> nn.Module:
    """Divide each layer's weights by their largest singular value, so that no layer can stretch what it reads.

    Source: Miyato et al., "Spectral normalization for generative adversarial networks", 2018.
    """
    for part in module.modules():
        if isinstance(part, WEIGHED):
            spectral_norm(part)
    return module


def initialize_normally(module: nn.Module, std: float = 0.02) -> nn.Module:
    """Draw the weights of all layers from a narrow normal distribution, as DCGAN does."""
    for part in module.modules():
        if isinstance(part, WEIGHED):
            nn.init.normal_(part.weight, 0.0, std)
        elif isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.weight, 1.0, std)
        if isinstance(getattr(part, "bias", None), nn.Parameter):
            nn.init.zeros_(part.bias)  # pyright: ignore[reportArgumentType]
    return module
