"""Autoencoders: plain, sparse and contractive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.generative.base import GenerativeModel, Label, Latent, Rows
from sandlot.generative.config import GenerativeConfig
from sandlot.generative.metrics import mean_metrics
from sandlot.generative.networks import export_encoder
from sandlot.supervised.data import Batch, Subset
from sandlot.supervised.fitting.monitor import Monitor
from sandlot.supervised.optimization.learner import Learner
from sandlot.supervised.transfer.trained_encoder import TrainedEncoder
from sandlot.tracking import require

from .networks import AutoencoderNetwork, FittedCodes, build_autoencoder


@dataclass(frozen=True, kw_only=True)
class AEConfig(GenerativeConfig):
    """Hyperparameters of an autoencoder."""

    sparsity: float = 0.0
    """Weight of the sparsity penalty: the KL divergence of the code units' mean activations from the target."""
    sparsity_target: float = 0.05
    """Target mean activation of the units of a sparse code, in (0, 1) (Ng, 2011)."""
    contraction: float = 0.0
    """Weight of the contractive penalty on the encoder's Jacobian (Rifai et al., 2011: 0.1)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.sparsity >= 0, "sparsity must be at least 0", self.sparsity)
        require(0 < self.sparsity_target < 1, "sparsity_target must be in (0, 1)", self.sparsity_target)
        require(self.contraction >= 0, "contraction must be at least 0", self.contraction)


def autoencoder_loss(
    network: AutoencoderNetwork, batch: Batch, sparsity: float, sparsity_target: float, contraction: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the squared reconstruction error, summed over a row, plus the penalties on the code."""
    needs_jacobian = contraction > 0 and torch.is_grad_enabled()
    x = batch["x"].detach().requires_grad_() if needs_jacobian else batch["x"]
    latent = network.encode(x)
    error = (network.decode(latent) - batch["x"]).square().flatten(1).sum(1).mean()
    loss = error
    metrics = {"reconstruction_error": error.detach(), "latent": latent.detach()}
    if sparsity:
        penalty = sparsity_penalty(latent, sparsity_target)
        loss = loss + sparsity * penalty
        metrics["sparsity_penalty"] = penalty.detach()
    if needs_jacobian:
        penalty = contractive_penalty(x, latent, batch["noise"])
        loss = loss + contraction * penalty
        metrics["contractive_penalty"] = penalty.detach()
    return loss, {"loss": loss.detach(), **metrics}


def sparsity_penalty(latent: Latent, target: float) -> Float[Tensor, ""]:
    """Return the KL divergence of the units' mean activations, in (0, 1), from `target`, summed over units.

    Source: Ng, "Sparse autoencoder", CS294A lecture notes, 2011.
    """
    mean = latent.mean(0).clamp(1e-6, 1 - 1e-6)
    on = target * (target / mean).log()
    return (on + (1 - target) * ((1 - target) / (1 - mean)).log()).sum()


def contractive_penalty(x: Rows, latent: Latent, noise: Latent) -> Float[Tensor, ""]:
    """Return the mean squared Frobenius norm of the encoder's Jacobian, estimated with standard normal `noise`.

    Source: Rifai et al., "Contractive auto-encoders", 2011; the estimator is Hutchinson's, 1989.
    """
    (gradient,) = torch.autograd.grad((latent * noise).sum(), x, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()


class AE(GenerativeModel[AEConfig]):
    """Compress rows to short codes and reconstruct them.

    New codes are drawn from a mixture of normal distributions fitted to those of the training rows. Subclass it and
    override `loss` for a loss of your own.

    Example:
        model = AE("digits", latent_size=16, sparsity=0.1).learn(epochs=20)
        images = model.sample(64)
    """

    name = "ae"
    Config = AEConfig
    network: AutoencoderNetwork
    monitor = Monitor("loss", higher=False)
    has_encoder = True
    spherical_prior = False

    def build(self) -> dict[str, Learner]:
        code_activation = nn.Sigmoid() if self.config.sparsity else nn.Identity()
        self.network = build_autoencoder(self.shape, self.config, code_activation)
        self.network.compiles = not self.config.contraction  # which takes a second derivative
        self.fitted_codes = FittedCodes(self)
        return {"network": Learner(self.network, self.loss, self.config, device=self.device)}

    def loss(self, network: AutoencoderNetwork, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch from `loss_batch`, and metrics."""
        config = self.config
        return autoencoder_loss(network, batch, config.sparsity, config.sparsity_target, config.contraction)

    def loss_batch(self, batch: Batch) -> Batch:
        """Return what the loss reads: the rows `x`, and the `noise` of the contractive penalty."""
        x = self.inputs(batch)
        if not self.config.contraction:
            return {**batch, "x": x}
        return {**batch, "x": x, "noise": torch.randn(len(x), self.config.latent_size, device=x.device)}

    def train_step(self, batches: Sequence[Batch]) -> None:
        """Take a gradient step."""
        self.learners["network"].step(*(self.loss_batch(self.augment(batch)) for batch in batches))

    def compute_metrics(self, subset: Subset) -> dict[str, float]:
        return mean_metrics(partial(self.loss, self.network), map(self.loss_batch, self.batches(subset)))

    def embed(self, batch: Batch) -> Latent:
        return self.network.encode(self.inputs(batch))

    def sample_prior(self, count: int) -> Latent:
        self.fitted_codes.refresh()
        return self.network.code_distribution.sample(count)

    def decode(self, latent: Latent, label: Label = None) -> Rows:
        return self.network.decode(latent)

    def forward_pass(self, name: str, batch: Batch) -> None:
        self.loss(self.network, self.loss_batch(batch))

    def finish(self) -> None:
        self.fitted_codes.refresh()

    def tensors(self) -> dict[str, np.ndarray]:
        self.fitted_codes.refresh()
        return super().tensors()

    def load_tensors(self, tensors: Mapping[str, np.ndarray]) -> None:
        super().load_tensors(tensors)
        self.fitted_codes.step = self.step

    def trained_encoder(self) -> TrainedEncoder:
        """Return the encoder, for an agent or another task to start from."""
        return export_encoder(self.network.encoder, self.metadata, self.config)
