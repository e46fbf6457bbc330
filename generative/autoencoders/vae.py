"""Variational autoencoders: plain, β-VAE and conditional.

Source: Kingma and Welling, "Auto-encoding variational Bayes", 2014.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.generative.base import LABEL, GenerativeModel, Label, Latent, Rows
from sandlot.generative.config import GenerativeConfig
from sandlot.generative.metrics import mean_metrics
from sandlot.generative.networks import build_decoder, build_encoder, export_encoder
from sandlot.supervised.data import Batch, Subset
from sandlot.supervised.fitting.monitor import Monitor
from sandlot.supervised.networks import RowEncoder, in_float32
from sandlot.supervised.optimization.learner import Learner
from sandlot.supervised.optimization.random_state import seeded_rng
from sandlot.supervised.transfer.trained_encoder import TrainedEncoder
from sandlot.tracking import derived_seed, require

Likelihood = Literal["auto", "bernoulli", "gaussian"]
BOUNDS = (1, 10, 500)
"""Samples of the importance-weighted bounds that an evaluation tells."""
ACTIVE_VARIANCE, COLLAPSED_NATS = 0.01, 0.1
"""Variance of a code's mean from which a dimension is active; nats below which the codes carry nothing."""
PerRow = Float[Tensor, "row"]
INITIAL_LOG_STD, LOG_STD_RANGE = -1.0, (-6.0, 2.0)
"""A gaussian likelihood starts narrower than the data, or ignoring the latent vectors would be a way out."""


@dataclass(frozen=True, kw_only=True)
class VAEConfig(GenerativeConfig):
    """Hyperparameters of a variational autoencoder."""

    likelihood: Likelihood = "auto"
    """Likelihood p(x|z): bernoulli, or gaussian with a learned standard deviation; auto is bernoulli for images and
    gaussian for tables."""
    beta: float = 1.0
    """Weight β of the KL divergence (Higgins et al., "beta-VAE", 2017)."""
    warm_up: float = 0.0
    """Fraction of training over which β rises from 0 (Sønderby et al., "Ladder variational autoencoders", 2016)."""
    conditional: bool = False
    """Condition encoder and decoder on the class of each row (Sohn et al., 2015)."""
    importance_samples: int = 0
    """Samples per row of the importance-weighted bound, computed at each validation; 0 leaves it out."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.beta >= 0, "beta must be at least 0", self.beta)
        require(0 <= self.warm_up <= 1, "warm_up must be in [0, 1]", self.warm_up)
        require(self.importance_samples >= 0, "importance_samples must be at least 0", self.importance_samples)


class VAENetwork(nn.Module):
    """The encoder q(z|x) and the decoder p(x|z), both conditioned on a class if there are `num_classes`.

    Arguments:
        encoder: turns rows into features.
        latent_size: dimensions of z.
        make_decoder: returns a decoder from vectors of the given size to rows.
        gaussian: whether p(x|z) is gaussian with a learned standard deviation, or else bernoulli.
        num_classes: number of classes to condition on; 0 for none.
    """

    def __init__(
        self,
        encoder: RowEncoder,
        latent_size: int,
        make_decoder: Callable[[int], nn.Module],
        gaussian: bool,
        num_classes: int = 0,
    ):
        super().__init__()
        self.encoder = encoder
        self.to_moments = nn.Linear(encoder.feature_size + num_classes, 2 * latent_size)
        self.decoder = make_decoder(latent_size + num_classes)
        self.log_std = nn.Parameter(torch.tensor(INITIAL_LOG_STD)) if gaussian else None
        self.latent_size, self.num_classes = latent_size, num_classes

    def encode(self, x: Rows, label: Label = None) -> tuple[Latent, Latent]:
        """Return the mean and the log-variance of q(z|x)."""
        features = self._conditioned(self.encoder.encode(x), label)
        mean, log_variance = in_float32(self.to_moments, features).chunk(2, dim=-1)
        return mean, log_variance

    def decode(self, latent: Latent, label: Label = None) -> Rows:
        """Return the parameters of p(x|z): logits if it is bernoulli, means if it is gaussian."""
        return self.decoder(self._conditioned(latent, label)).float()

    def decode_mean(self, latent: Latent, label: Label = None) -> Rows:
        """Return the mean of p(x|z)."""
        output = self.decode(latent, label)
        return output.sigmoid() if self.log_std is None else output

    def log_likelihood(self, x: Rows, output: Rows) -> PerRow:
        """Return log p(x|z) in nats, where `output` is what `decode` returned for z.

        For values between 0 and 1, the bernoulli one is the usual cross-entropy, though not a density.
        """
        if self.log_std is None:
            return -F.binary_cross_entropy_with_logits(output, x, reduction="none").flatten(1).sum(1)
        log_std = self.log_std.clamp(*LOG_STD_RANGE)
        deviation = (x - output) * (-log_std).exp()
        return -(0.5 * deviation.square() + log_std + 0.5 * math.log(2 * math.pi)).flatten(1).sum(1)

    def _conditioned(self, vector: Float[Tensor, "row size"], label: Label) -> Float[Tensor, "row more"]:
        if not self.num_classes:
            return vector
        assert label is not None
        weights = label if label.is_floating_point() else F.one_hot(label, self.num_classes)
        return torch.cat([vector, weights.to(vector.dtype)], dim=-1)


def reparameterize(mean: Latent, log_variance: Latent, noise: Latent) -> Latent:
    """Return samples of q(z|x), made of standard normal `noise`, through which gradients flow (section 2.4)."""
    return mean + noise * (0.5 * log_variance).exp()


def gaussian_kl(mean: Latent, log_variance: Latent) -> PerRow:
    """Return the KL divergence of q(z|x) from the standard normal prior, in nats (appendix B)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1)


def elbo(network: VAENetwork, batch: Batch) -> tuple[PerRow, PerRow]:
    """Return the two terms of the evidence lower bound for each row: log-likelihood and KL divergence (equation 3)."""
    label = batch.get(LABEL)
    mean, log_variance = network.encode(batch["x"], label)
    latent = reparameterize(mean, log_variance, batch["noise"])
    return network.log_likelihood(batch["x"], network.decode(latent, label)), gaussian_kl(mean, log_variance)


def vae_loss(network: VAENetwork, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the negative evidence lower bound with the KL divergence weighted by the batch's `beta`."""
    log_likelihood, kl = elbo(network, batch)
    loss = (batch["beta"] * kl - log_likelihood).mean()
    bound = (log_likelihood - kl).mean()
    terms = {"elbo": bound, "log_likelihood": log_likelihood.mean(), "kl": kl.mean()}
    return loss, {"loss": loss.detach(), **{name: term.detach() for name, term in terms.items()}}


def importance_weighted_bound(network: VAENetwork, batch: Batch, samples: int) -> PerRow:
    """Return a bound on log p(x) from several samples of q(z|x): the tighter, the more there are.

    Source: Burda et al., "Importance weighted autoencoders", 2016, equation 8.
    """
    x, label = batch["x"], batch.get(LABEL)
    mean, log_variance = network.encode(x, label)
    log_weights = []
    for _ in range(samples):
        noise = torch.randn_like(mean)
        latent = reparameterize(mean, log_variance, noise)
        log_prior = -0.5 * latent.square().sum(-1)
        log_posterior = -0.5 * (noise.square() + log_variance).sum(-1)
        log_weights.append(network.log_likelihood(x, network.decode(latent, label)) + log_prior - log_posterior)
    return torch.stack(log_weights).logsumexp(0) - math.log(samples)


class VAE(GenerativeModel[VAEConfig]):
    """Learn a latent-variable model of the data, with an approximate posterior that is close to a standard normal.

    Subclass it and override `loss` for a loss of your own.

    Example:
        class LaplaceVAE(VAE):
            name = "laplace-vae"

            def loss(self, network, batch):
                mean, log_variance = network.encode(batch["x"])
                latent = reparameterize(mean, log_variance, batch["noise"])
                error = (network.decode_mean(latent) - batch["x"]).abs().flatten(1).sum(1)
                loss = (error + batch["beta"] * gaussian_kl(mean, log_variance)).mean()
                return loss, {"loss": loss.detach()}

        model = LaplaceVAE("digits", latent_size=8).learn(epochs=20)
        images = model.sample(64)
    """

    name = "vae"
    Config = VAEConfig
    network: VAENetwork
    monitor = Monitor("loss", higher=False)
    has_encoder = True

    beta = 1.0
    """Current weight of the KL divergence."""

    @property
    def is_conditional(self) -> bool:
        return self.config.conditional

    def build(self) -> dict[str, Learner]:
        config = self.config
        gaussian = config.likelihood == "gaussian" or (config.likelihood == "auto" and not self.makes_images)

        def make_decoder(input_size: int) -> nn.Module:
            return build_decoder(input_size, self.shape, config)

        encoder = build_encoder(self.shape, config)
        self.network = VAENetwork(encoder, config.latent_size, make_decoder, gaussian, self.num_conditions)
        return {"network": Learner(self.network, self.loss, config, device=self.device)}

    def anneal(self, progress: float) -> None:
        super().anneal(progress)
        warm_up = self.config.warm_up
        self.beta = self.config.beta * (min(1.0, progress / warm_up) if warm_up else 1.0)

    def loss(self, network: VAENetwork, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch from `loss_batch`, and metrics."""
        return vae_loss(network, batch)

    def loss_batch(self, batch: Batch) -> Batch:
        """Return what the loss reads: the rows `x`, their labels, standard normal `noise`, and `beta`."""
        x = self.inputs(batch)
        # Validation uses the final beta, so that a warm-up makes no early checkpoint the best.
        beta = self.beta if self.network.training else self.config.beta
        noise = torch.randn(len(x), self.config.latent_size, device=x.device)
        return {**batch, "x": x, "noise": noise, "beta": torch.tensor(beta, device=x.device)}

    def train_step(self, batches: Sequence[Batch]) -> None:
        """Take a gradient step on the negative evidence lower bound."""
        self.learners["network"].step(*(self.loss_batch(self.augment(batch)) for batch in batches))

    def compute_metrics(self, subset: Subset) -> dict[str, float]:
        measures = mean_metrics(partial(self.loss, self.network), map(self.loss_batch, self.batches(subset)))
        if subset.name != "validation" and "kl" in measures:
            measures["active_units"] = float(self.active_units(subset))
        if self.config.importance_samples:
            measures["importance_weighted_bound"] = self.importance_weighted_bound(
                subset, self.config.importance_samples
            )
        return measures

    def importance_weighted_bound(self, subset: Subset, samples: int) -> float:
        """Return the mean importance-weighted bound on the log-likelihood of the rows of a subset, in nats."""
        batches = map(self.loss_batch, self.batches(subset))
        return torch.cat([importance_weighted_bound(self.network, batch, samples) for batch in batches]).mean().item()

    @torch.no_grad()
    def importance_weighted_bounds(self, subset: Subset) -> dict[str, float]:
        """Return the bounds of 1, 10 and 500 samples, by name."""
        name = "importance_weighted_bound"
        with self.inference_mode(), seeded_rng(derived_seed(self.seed, 2)):
            return {f"{name} of {samples}": self.importance_weighted_bound(subset, samples) for samples in BOUNDS}

    def active_units(self, subset: Subset) -> int:
        """Return how many latent dimensions vary with the row (Burda et al., 2016, section 5.2)."""
        return int((self.embed_part(subset)[0].var(0) > ACTIVE_VARIANCE).sum()) if len(subset) > 1 else 0

    def notes(self, metrics: Mapping[str, float]) -> list[str]:
        notes = super().notes(metrics)
        if "kl" not in metrics or "active_units" not in metrics:
            return notes
        active, size = int(metrics["active_units"]), self.config.latent_size
        if active == 0 or metrics["kl"] < COLLAPSED_NATS:
            notes.append(
                f"posterior collapse: the codes carry {metrics['kl']:.2g} nats, so the decoder ignores them; try a "
                "lower --beta, --warm-up 0.3 or more epochs"
            )
        elif active < size:
            notes.append(f"{active} of {size} latent dimensions are active; the others are unused")
        return notes

    def embed(self, batch: Batch) -> Latent:
        return self.network.encode(self.inputs(batch), batch.get(LABEL))[0]

    def decode(self, latent: Latent, label: Label = None) -> Rows:
        return self.network.decode_mean(latent, label)

    def row_scores(self, batch: Batch) -> PerRow:
        """Return the evidence lower bound of each row, in nats."""
        log_likelihood, kl = elbo(self.network, self.loss_batch(batch))
        return log_likelihood - kl

    def add_noise(self, rows: Rows) -> Rows:
        """Return draws from p(x|z), if it is gaussian: rows spread around its mean by the learned deviation."""
        if self.network.log_std is None:
            return rows
        std = self.network.log_std.clamp(*LOG_STD_RANGE).exp()
        noisy = rows + std * torch.randn_like(rows)
        return noisy.clamp(0, 1) if self.makes_images else noisy

    def forward_pass(self, name: str, batch: Batch) -> None:
        self.loss(self.network, self.loss_batch(batch))

    def trained_encoder(self) -> TrainedEncoder:
        """Return the encoder, for an agent or another task to start from."""
        return export_encoder(self.network.encoder, self.metadata, self.config)
