"""A vision transformer."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.supervised.networks.encoder import Memoryless


class ViT(Memoryless):
    """Encode images with a transformer over their patches.

    Source: Dosovitskiy et al., "An image is worth 16x16 words", 2021, pre-norm, with the mean of the patches
    in place of a class token (Beyer et al., "Better plain ViT baselines", 2022).
    """

    def __init__(self, channels: int, height: int, width: int, size: int = 64, layers: int = 2, heads: int = 4):
        super().__init__()
        if heads < 1 or size % heads:
            raise ValueError(f"{heads} heads don't divide a ViT of size {size}")
        patch = patch_size(min(height, width))
        self.patches = nn.Conv2d(channels, size, patch, stride=patch)
        count = (height // patch) * (width // patch)
        self.position = nn.Parameter(0.02 * torch.randn(1, count, size))
        layer = nn.TransformerEncoderLayer(
            size, heads, 4 * size, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(size), enable_nested_tensor=False)
        self.feature_size = size

    def encode(self, inputs: Float[Tensor, "row channel height width"]) -> Float[Tensor, "row feature"]:
        tokens = self.patches(inputs).flatten(2).transpose(1, 2) + self.position
        return self.layers(tokens).mean(1)


def patch_size(side: int) -> int:
    """Return a patch size that gives about eight patches a side."""
    return max(2, side // 8)
