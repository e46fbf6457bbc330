"""The network of autoencoders without a latent distribution, and the distribution fitted to their codes."""

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sandlot.generative.base import GenerativeModel, Latent, Rows
from sandlot.generative.config import GenerativeConfig
from sandlot.generative.networks import build_decoder, build_encoder
from sandlot.supervised.networks import RowEncoder, in_float32

MOST_COMPONENTS = 10
ROWS_PER_NUMBER = 2
"""Codes, at least, for each number that describes a component of the mixture."""
FITTED_ROWS = 5000
"""Training rows, at most, to whose codes the mixture is fitted."""


class CodeDistribution(nn.Module):
    """A mixture of normal distributions, fitted to the codes of training rows, to draw new codes from.

    It has up to ten components, fewer for few codes.

    Source: Ghosh et al., "From variational to deterministic autoencoders", 2020, section 4.
    """

    weights: Tensor
    means: Tensor
    factors: Tensor

    def __init__(self, latent_size: int):
        super().__init__()
        self.register_buffer("weights", torch.eye(MOST_COMPONENTS)[0])
        self.register_buffer("means", torch.zeros(MOST_COMPONENTS, latent_size))
        self.register_buffer("factors", torch.eye(latent_size).repeat(MOST_COMPONENTS, 1, 1))

    @property
    def mean(self) -> Tensor:
        """Mean of the codes."""
        return self.weights @ self.means

    @property
    def covariance(self) -> Tensor:
        """Covariance of the codes."""
        deviation = self.means - self.mean
        spread = self.factors @ self.factors.transpose(1, 2) + deviation[:, :, None] * deviation[:, None]
        return (self.weights[:, None, None] * spread).sum(0)

    @torch.no_grad()
    def fit(self, codes: Latent, seed: int) -> None:
        """Fit the mixture to codes."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        size = codes.shape[1]
        numbers = size * (size + 3) // 2
        components = max(1, min(MOST_COMPONENTS, len(codes) // (ROWS_PER_NUMBER * numbers)))
        values = codes.detach().double().cpu().numpy()
        scale = max(float(values.std()), 1e-9)
        mixture = GaussianMixture(components, reg_covar=1e-6, max_iter=50, random_state=seed % 2**32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            mixture.fit(values / scale)
        self.weights.zero_()
        self.weights[:components] = torch.from_numpy(mixture.weights_)
        self.means[:components] = torch.as_tensor(mixture.means_) * scale
        self.factors[:components] = torch.linalg.cholesky(torch.from_numpy(mixture.covariances_)) * scale

    def sample(self, count: int) -> Latent:
        """Draw new codes, with torch's random numbers."""
        component = torch.multinomial(self.weights, count, replacement=True)
        noise = torch.randn(count, self.means.shape[1], 1, device=self.means.device)
        return self.means[component] + (self.factors[component] @ noise).squeeze(2)


class FittedCodes:
    """Keeps the distribution of a model's codes up to date: it is fitted anew when weights have moved since.

    Arguments:
        model: an autoencoder whose `network` has a `code_distribution`.
    """

    def __init__(self, model: GenerativeModel):
        self.model = model
        self.step: int | None = None

    def refresh(self) -> None:
        """Fit the distribution to the codes of training rows, if the model has moved and has its data."""
        model = self.model
        if self.step == model.step or model.split is None:
            return
        with torch.no_grad(), model.inference_mode():
            codes = model.embed_part(model.some_rows("train", FITTED_ROWS))[0]
        model.network.code_distribution.fit(codes, model.seed)  # pyright: ignore[reportAttributeAccessIssue]
        self.step = model.step


class AutoencoderNetwork(nn.Module):
    """An encoder with a linear layer to the code, a decoder, and the distribution of the codes of training rows.

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
        self.code_distribution = CodeDistribution(latent_size)

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
