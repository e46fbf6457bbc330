"""Autoencoders: plain, sparse and contractive."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.generative.base import Latent, Rows
from sandlot.generative.config import GenerativeConfig
from sandlot.supervised.data import Batch
from sandlot.tracking import require

from .deterministic import AutoencoderNetwork, DeterministicAutoencoder


@dataclass(frozen=True, kw_only=True)
class AEConfig(GenerativeConfig):
    """Hyperparameters of an autoencoder."""

    sparsity: float = 0.0
    """Weight of the divergence between how active the units of the code are, and how active they should be."""
    sparsity_target: float = 0.05
    """How active the units of a sparse code should be on average, between 0 and 1 (Ng, 2011)."""
    contraction: float = 0.0
    """Weight of how fast the code changes with the row (Rifai et al., 2011: 0.1)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.sparsity >= 0, "sparsity must be at least 0", self.sparsity)
        require(0 < self.sparsity_target < 1, "sparsity_target must be in (0, 1)", self.sparsity_target)
        require(self.contraction >= 0, "contraction must be at least 0", self.contraction)


def autoencoder_loss(
    module: AutoencoderNetwork, batch: Batch, sparsity: float, sparsity_target: float, contraction: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the squared error of the reconstruction, summed over a row, with penalties on the code."""
    contracts = contraction > 0 and torch.is_grad_enabled()
    x = batch["x"].detach().requires_grad_() if contracts else batch["x"]
    latent = module.encode(x)
    error = (module.decode(latent) - batch["x"]).square().flatten(1).sum(1).mean()
    loss = error
    metrics = {"error": error.detach(), "latent": latent.detach()}
    if sparsity:
        divergence = sparsity_penalty(latent, sparsity_target)
        loss = loss + sparsity * divergence
        metrics["sparsity"] = divergence.detach()
    if contracts:
        penalty = contractive_penalty(x, latent, batch["noise"])
        loss = loss + contraction * penalty
        metrics["contraction"] = penalty.detach()
    return loss, {"loss": loss.detach(), **metrics}


def sparsity_penalty(latent: Latent, target: float) -> Float[Tensor, ""]:
    """Return the divergence of the units' mean activities, which are in (0, 1), from `target`, summed over units.

    Source: Ng, "Sparse autoencoder", CS294A lecture notes, 2011.
    """
    active = latent.mean(0).clamp(1e-6, 1 - 1e-6)
    on = target * (target / active).log()
    return (on + (1 - target) * ((1 - target) / (1 - active)).log()).sum()


def contractive_penalty(x: Rows, latent: Latent, noise: Latent) -> Float[Tensor, ""]:
    """Return the mean squared norm of the code's Jacobian, estimated from one direction of standard normal `noise`.

    Source: Rifai et al., "Contractive auto-encoders", 2011; the estimate is Hutchinson's, 1989.
    """
    (slope,) = torch.autograd.grad((latent * noise).sum(), x, create_graph=True)
    return slope.square().flatten(1).sum(1).mean()


class AE(DeterministicAutoencoder):
    """Squeeze rows into a few numbers, and make them again from these."""

    name = "ae"
    Config = AEConfig
    config: AEConfig

    def make_module(self) -> nn.Module:
        module = self.autoencoder(nn.Sigmoid() if self.config.sparsity else nn.Identity())
        module.compiles = not self.config.contraction  # which takes a second derivative
        module.captures = True
        return module

    def loss(self, module: Any, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        return autoencoder_loss(
            module, batch, self.config.sparsity, self.config.sparsity_target, self.config.contraction
        )

    def with_noise(self, batch: Batch) -> Batch:
        if not self.config.contraction:
            return batch
        x = batch["x"]
        return {**batch, "noise": torch.randn(len(x), self.config.latent_size, device=x.device)}
