"""Variational autoencoders, conditional by option.

Source: Kingma and Welling, "Auto-encoding variational Bayes", 2014.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.generative.base import LABEL, Label, Latent, Rows
from sandlot.generative.config import GenerativeConfig
from sandlot.generative.networks import decoder_of, encoder_of
from sandlot.supervised.data import Batch, Subset
from sandlot.supervised.networks import in_float32
from sandlot.tracking import require

from .base import EXAMINED, Autoencoder

Likelihood = Literal["auto", "bernoulli", "gaussian"]
PerRow = Float[Tensor, "row"]
FIRST_LOG_STD, LOG_STD_RANGE = -1.0, (-6.0, 2.0)
"""What a normal likelihood's width starts from: below that of the data, or ignoring the code would be a way out."""


@dataclass(frozen=True, kw_only=True)
class VAEConfig(GenerativeConfig):
    """Hyperparameters of a variational autoencoder."""

    likelihood: Likelihood = "auto"
    """What the decoder says of each number: how likely it is to be 1 (bernoulli), or the middle of a normal
    distribution, whose width is learned; auto is bernoulli for images."""
    beta: float = 1.0
    """Weight of the divergence of the codes from standard normal ones (Higgins et al., "beta-VAE", 2017)."""
    warm_up: float = 0.0
    """Share of the training over which beta rises from 0 (Sønderby et al., "Ladder variational autoencoders", 2016)."""
    conditional: bool = False
    """Tell encoder and decoder the class of each row, so that rows of a class can be made (Sohn et al., 2015)."""
    importance_samples: int = 0
    """Codes drawn for each row, at each validation, for the importance-weighted bound; 0 for no such bound."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.beta >= 0, "beta must be at least 0", self.beta)
        require(0 <= self.warm_up <= 1, "warm_up must be in [0, 1]", self.warm_up)
        require(self.importance_samples >= 0, "importance_samples must be at least 0", self.importance_samples)


class VariationalAutoencoder(nn.Module):
    """A recognition model q(z|x), and a generative one p(x|z); both may be told a class."""

    def __init__(self, encoder: nn.Module, latent_size: int, make_decoder: Any, gaussian: bool, classes: int = 0):
        super().__init__()
        self.encoder = encoder
        self.to_moments = nn.Linear(encoder.feature_size + classes, 2 * latent_size)  # pyright: ignore
        self.decoder = make_decoder(latent_size + classes)
        self.log_std = nn.Parameter(torch.tensor(FIRST_LOG_STD)) if gaussian else None
        self.latent_size, self.classes = latent_size, classes

    def recognition(self, x: Rows, label: Label = None) -> tuple[Latent, Latent]:
        """Return the mean and the log-variance of the code of each row."""
        features = self._told(self.encoder.encode(x), label)  # pyright: ignore[reportCallIssue]
        mean, log_variance = in_float32(self.to_moments, features).chunk(2, dim=-1)
        return mean, log_variance

    def generate(self, latent: Latent, label: Label = None) -> Rows:
        """Return the logits, or means, of the numbers of a row for each code."""
        return self.decoder(self._told(latent, label)).float()

    def log_likelihood(self, x: Rows, output: Rows) -> PerRow:
        """Return log p(x|z), in nats, where `output` is what `generate` made of z.

        For numbers between 0 and 1, the Bernoulli's is the usual cross-entropy, though no density.
        """
        if self.log_std is None:
            return -F.binary_cross_entropy_with_logits(output, x, reduction="none").flatten(1).sum(1)
        log_std = self.log_std.clamp(*LOG_STD_RANGE)
        deviation = (x - output) * (-log_std).exp()
        return -(0.5 * deviation.square() + log_std + 0.5 * math.log(2 * math.pi)).flatten(1).sum(1)

    def mean_row(self, output: Rows) -> Rows:
        """Return the mean of p(x|z)."""
        return output.sigmoid() if self.log_std is None else output

    def _told(self, vector: Float[Tensor, "row size"], label: Label) -> Float[Tensor, "row more"]:
        if not self.classes:
            return vector
        assert label is not None
        return torch.cat([vector, F.one_hot(label, self.classes).to(vector.dtype)], dim=-1)


def reparameterize(mean: Latent, log_variance: Latent, noise: Latent) -> Latent:
    """Return codes of the recognition model, made of standard normal `noise`, through which gradients flow."""
    return mean + noise * (0.5 * log_variance).exp()


def gaussian_kl(mean: Latent, log_variance: Latent) -> PerRow:
    """Return the divergence of normal distributions from the standard one, in nats (appendix B)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1)


def elbo(module: VariationalAutoencoder, batch: Batch) -> tuple[PerRow, PerRow]:
    """Return the two terms of the bound on log p(x): the log-likelihood of each row, and the divergence of its code."""
    label = batch.get(LABEL)
    mean, log_variance = module.recognition(batch["x"], label)
    latent = reparameterize(mean, log_variance, batch["noise"])
    return module.log_likelihood(batch["x"], module.generate(latent, label)), gaussian_kl(mean, log_variance)


def vae_loss(module: VariationalAutoencoder, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """Return minus the bound, with the divergence weighed by the batch's beta."""
    log_likelihood, kl = elbo(module, batch)
    loss = (batch["beta"] * kl - log_likelihood).mean()
    bound = (log_likelihood - kl).mean()
    terms = {"elbo": bound, "log_likelihood": log_likelihood.mean(), "kl": kl.mean()}
    return loss, {"loss": loss.detach(), **{name: term.detach() for name, term in terms.items()}}


def importance_weighted_bound(module: VariationalAutoencoder, batch: Batch, samples: int) -> PerRow:
    """Return a bound on log p(x) from several codes for each row: the tighter, the more there are.

    Source: Burda et al., "Importance weighted autoencoders", 2016, equation 8.
    """
    x, label = batch["x"], batch.get(LABEL)
    mean, log_variance = module.recognition(x, label)
    weights = []
    for _ in range(samples):
        noise = torch.randn_like(mean)
        latent = reparameterize(mean, log_variance, noise)
        log_prior = -0.5 * latent.square().sum(-1)
        log_recognition = -0.5 * (noise.square() + log_variance).sum(-1)
        weights.append(module.log_likelihood(x, module.generate(latent, label)) + log_prior - log_recognition)
    return torch.stack(weights).logsumexp(0) - math.log(samples)


class VAE(Autoencoder):
    """Learn a distribution of rows, by way of codes that are nearly standard normal."""

    name = "vae"
    Config = VAEConfig
    config: VAEConfig

    beta = 1.0
    """The weight of the divergence now."""

    @property
    def knows_classes(self) -> bool:
        return self.config.conditional

    def make_module(self) -> nn.Module:
        config = self.config
        gaussian = config.likelihood == "gaussian" or (config.likelihood == "auto" and not self.makes_images)

        def make_decoder(size: int) -> nn.Module:
            return decoder_of(size, self.shape, config)

        encoder = encoder_of(self.shape, config)
        return VariationalAutoencoder(encoder, config.latent_size, make_decoder, gaussian, self.conditions)

    def anneal(self, progress: float) -> None:
        super().anneal(progress)
        warm_up = self.config.warm_up
        self.beta = self.config.beta * (min(1.0, progress / warm_up) if warm_up else 1.0)

    def loss(self, module: Any, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        return vae_loss(module, batch)

    def with_noise(self, batch: Batch) -> Batch:
        x = batch["x"]
        # Validations weigh as the end of the training does: a warm-up makes no early checkpoint the best.
        beta = self.beta if self.module.training else self.config.beta
        noise = torch.randn(len(x), self.config.latent_size, device=x.device)
        return {**batch, "noise": noise, "beta": torch.tensor(beta, device=x.device)}

    def compute_metrics(self, subset: Subset) -> dict[str, float]:
        measures = super().compute_metrics(subset)
        if self.config.importance_samples:
            measures["importance_weighted_bound"] = self.bound(subset, self.config.importance_samples)
        return measures

    def bound(self, subset: Subset, samples: int) -> float:
        """Return the mean importance-weighted bound on the log-likelihood of a part's rows, in nats."""
        batches = map(self.prepared, subset.batches(EXAMINED))
        return torch.cat([importance_weighted_bound(self.module, batch, samples) for batch in batches]).mean().item()

    def latent(self, batch: Batch) -> Latent:
        return self.module.recognition(self.rows(batch), batch.get(LABEL))[0]

    def draw_codes(self, count: int) -> Latent:
        return torch.randn(count, self.config.latent_size, device=self.device)

    def decode(self, latent: Latent, label: Label = None) -> Rows:
        return self.module.mean_row(self.module.generate(latent, label))
