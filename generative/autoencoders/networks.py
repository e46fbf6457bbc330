"""The network of autoencoders without a latent distribution, and the distribution fitted to their codes."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sandlot.generative.base import Latent, Rows
from sandlot.generative.config import GenerativeConfig
from sandlot.generative.networks import build_decoder, build_encoder
from sandlot.supervised.networks import RowEncoder, in_float32

DECAY = 0.99
"""Decay of the running statistics of codes."""


class GaussianCodes(nn.Module):
    """A normal distribution fitted to the codes of training batches, by running averages, to draw new codes from.

    Source: Ghosh et al., "From variational to deterministic autoencoders", 2020.
    """

    mean: Tensor
    covariance: Tensor

    def __init__(self, latent_size: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(latent_size))
        self.register_buffer("covariance", torch.eye(latent_size))

    @torch.no_grad()
    def update(self, latent: Latent) -> None:
        """Move mean and covariance towards those of a batch of codes."""
        deviation = latent - self.mean
        self.mean.lerp_(latent.mean(0), 1 - DECAY)
        self.covariance.lerp_(deviation.T @ deviation / len(latent), 1 - DECAY)

    def sample(self, count: int) -> Latent:
        """Draw new codes, with torch's random numbers."""
        eigenvalues, eigenvectors = torch.linalg.eigh(self.covariance)
        noise = torch.randn(count, len(self.mean), device=self.mean.device)
        return self.mean + (noise * eigenvalues.clamp(min=0).sqrt()) @ eigenvectors.T


class AutoencoderNetwork(nn.Module):
    """An encoder with a linear layer to the code, a decoder, and the distribution of codes seen in training.

    Arguments:
        encoder, decoder: turn rows into features, and codes into rows.
        latent_size: length of a code.
        code_activation, output_activation: applied to codes and to decoded rows.
    """

    def __init__(
        self,
        encoder: RowEncoder,
        latent_size: int,
        decoder: nn.Module,
        output_activation: nn.Module,
        code_activation: nn.Module,
    ):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.output_activation, self.code_activation = output_activation, code_activation
        self.compiles = True
        """Whether a gradient step can be compiled whole."""
        self.captures = True
        """Whether a gradient step can be captured as a CUDA graph."""
        self.to_latent = nn.Linear(encoder.feature_size, latent_size)
        self.code_distribution = GaussianCodes(latent_size)

    def encode(self, x: Rows) -> Latent:
        """Return the code of each row."""
        return self.code_activation(in_float32(self.to_latent, self.encoder.encode(x)))

    def decode(self, latent: Latent) -> Rows:
        """Return the row for each code."""
        return self.output_activation(self.decoder(latent))

    def forward(self, x: Rows) -> Rows:
        """Return the reconstruction of each row."""
        return self.decode(self.encode(x))


def build_autoencoder(
    shape: Sequence[int], config: GenerativeConfig, code_activation: nn.Module | None = None
) -> AutoencoderNetwork:
    """Return a new autoencoder of rows of `shape`; images, which have three dimensions, are decoded to [0, 1]."""
    output_activation = nn.Sigmoid() if len(shape) == 3 else nn.Identity()
    decoder = build_decoder(config.latent_size, shape, config)
    encoder = build_encoder(shape, config)
    return AutoencoderNetwork(encoder, config.latent_size, decoder, output_activation, code_activation or nn.Identity())
