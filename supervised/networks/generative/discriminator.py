"""The discriminator of a GAN, its spectral normalization and DCGAN's initial weights."""

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from sandlot.supervised.networks.heads.precision import in_float32

from .row_encoder import RowEncoder

WEIGHTED = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d, nn.Embedding)


class Discriminator(nn.Module):
    """Score how real each row looks; of a given class, if it knows classes. Higher is more real.

    Arguments:
        encoder: turns rows into features.
        num_classes: 0, or the number of classes to condition on by a projection.

    Source of the projection: Miyato and Koyama, "cGANs with projection discriminator", 2018.
    """

    compiles = False
    """Gradient penalties and spectral normalization can't be compiled into one step."""
    captures = True
    """Whether a gradient step can be captured as a CUDA graph."""

    def __init__(self, encoder: RowEncoder, num_classes: int = 0):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.feature_size, 1)
        self.embedding = nn.Embedding(num_classes, encoder.feature_size) if num_classes else None

    def forward(
        self, inputs: Float[Tensor, "row ..."], label: Int[Tensor, "row"] | None = None
    ) -> Float[Tensor, "row"]:
        """Return the score of each row: a logit, not a probability."""
        features = self.encoder.encode(inputs)
        score = in_float32(self.head, features).squeeze(-1)
        if self.embedding is None:
            return score
        return score + (self.embedding(label) * features).sum(-1)


def apply_spectral_norm(module: nn.Module) -> nn.Module:
    """Divide the weights of each layer by their largest singular value, which bounds the layer's Lipschitz constant.

    Source: Miyato et al., "Spectral normalization for generative adversarial networks", 2018.
    """
    for layer in module.modules():
        if isinstance(layer, WEIGHTED):
            spectral_norm(layer)
    return module


def initialize_normal(module: nn.Module, std: float = 0.02) -> nn.Module:
    """Draw the weights of all layers from a normal distribution with a small `std`, and set biases to 0.

    Source: Radford et al., "Unsupervised representation learning with deep convolutional generative adversarial
    networks", 2016, section 4.
    """
    for layer in module.modules():
        if isinstance(layer, WEIGHTED):
            nn.init.normal_(layer.weight, 0.0, std)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, std)
        bias = getattr(layer, "bias", None)
        if isinstance(bias, nn.Parameter):
            nn.init.zeros_(bias)
    return module
