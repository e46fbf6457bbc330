"""What autoencoders without a distribution share: their networks, and where their codes lie."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.generative.base import Label, Latent, Rows
from sandlot.generative.networks import decoder_of, encoder_of
from sandlot.supervised.data import Batch
from sandlot.supervised.networks import in_float32

from .base import Autoencoder

KEPT = 0.99
"""Share of the old that the running statistics of codes keep at each step."""


class AutoencoderNetwork(nn.Module):
    """An encoder, a linear layer to a code, and a decoder.

    An autoencoder has no distribution of codes to draw from. So the mean and covariance of those that it has
    seen are kept: a normal distribution fitted after the fact (Ghosh et al., "From variational to deterministic
    autoencoders", 2020).
    """

    mean: Tensor
    covariance: Tensor

    def __init__(self, encoder: nn.Module, latent_size: int, decoder: nn.Module, squash: nn.Module, code: nn.Module):
        super().__init__()
        self.encoder, self.decoder, self.squash, self.code = encoder, decoder, squash, code
        self.compiles = True
        """Whether a gradient step can be compiled whole."""
        self.to_latent = nn.Linear(encoder.feature_size, latent_size)  # pyright: ignore[reportArgumentType]
        self.register_buffer("mean", torch.zeros(latent_size))
        self.register_buffer("covariance", torch.eye(latent_size))

    def encode(self, x: Rows) -> Latent:
        """Return the code of each row."""
        return self.code(in_float32(self.to_latent, self.encoder.encode(x)))  # pyright: ignore[reportCallIssue]

    def decode(self, latent: Latent) -> Rows:
        """Return the row for each code."""
        return self.squash(self.decoder(latent))

    def forward(self, x: Rows) -> Rows:
        """Return what is left of each row."""
        return self.decode(self.encode(x))

    @torch.no_grad()
    def note(self, latent: Latent) -> None:
        """Take codes into their statistics."""
        deviation = latent - self.mean
        self.mean.lerp_(latent.mean(0), 1 - KEPT)
        self.covariance.lerp_(deviation.T @ deviation / len(latent), 1 - KEPT)

    def draw(self, count: int) -> Float[Tensor, "count latent"]:
        """Draw codes like those that were seen."""
        values, vectors = torch.linalg.eigh(self.covariance)
        noise = torch.randn(count, len(self.mean), device=self.mean.device)
        return self.mean + (noise * values.clamp(min=0).sqrt()) @ vectors.T


class DeterministicAutoencoder(Autoencoder):
    """A model whose codes are numbers without noise; the loss names them `latent`."""

    spherical = False

    def autoencoder(self, code: nn.Module) -> AutoencoderNetwork:
        """Return new networks, with `code` as the last layer before the code."""
        size = self.config.latent_size
        squash = nn.Sigmoid() if self.makes_images else nn.Identity()
        decoder = decoder_of(size, self.shape, self.config)
        return AutoencoderNetwork(encoder_of(self.shape, self.config), size, decoder, squash, code)

    def train_step(self, batches: Sequence[Batch]) -> None:
        metrics = self.learners["network"].step(*(self.prepared(self.augment(batch)) for batch in batches))
        self.module.note(metrics["latent"])

    def latent(self, batch: Batch) -> Latent:
        return self.module.encode(self.rows(batch))

    def draw_codes(self, count: int) -> Latent:
        return self.module.draw(count)

    def decode(self, latent: Latent, label: Label = None) -> Rows:
        return self.module.decode(latent)
