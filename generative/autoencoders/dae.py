"""Denoising autoencoders.

Source: Vincent et al., "Extracting and composing robust features with denoising autoencoders", 2008.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from sandlot.generative.base import GenerativeModel, Label, Latent, Rows
from sandlot.generative.config import GenerativeConfig
from sandlot.generative.metrics import mean_metrics
from sandlot.generative.networks import export_encoder
from sandlot.generative.plots import SampleGrid, comparison_grid
from sandlot.supervised.data import Batch, Subset
from sandlot.supervised.fitting.monitor import Monitor
from sandlot.supervised.optimization.learner import Learner
from sandlot.supervised.transfer.trained_encoder import TrainedEncoder
from sandlot.tracking import require

from .networks import AutoencoderNetwork, FittedCodes, build_autoencoder

Corruption = Literal["gaussian", "masking", "salt-and-pepper"]
PLOTTED = 24


@dataclass(frozen=True, kw_only=True)
class DAEConfig(GenerativeConfig):
    """Hyperparameters of a denoising autoencoder."""

    corruption: Corruption = "gaussian"
    """Corruption of the inputs: additive gaussian noise, masking (values set to 0), or salt-and-pepper (values set
    to 0 or 1)."""
    noise: float = 0.3
    """Standard deviation of gaussian noise, or fraction of the values that are set."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.noise > 0, "noise must be positive", self.noise)
        fraction = f"noise must be at most 1 with {self.corruption} corruption, where it is a fraction of the values"
        require(self.corruption == "gaussian" or self.noise <= 1, fraction, self.noise)


def corrupt(x: Rows, kind: Corruption, amount: float, noise: Rows) -> Rows:
    """Return corrupted rows. `noise` is standard normal for gaussian corruption, else uniform in [0, 1).

    Source: Vincent et al., "Stacked denoising autoencoders", 2010, section 3.4.
    """
    match kind:
        case "gaussian":
            return x + amount * noise
        case "masking":
            return torch.where(noise < amount, 0.0, x)
        case _:
            # Noise below `amount` sets a value: to 0 in the lower half of that range, to 1 in the upper.
            return torch.where(noise < amount, (noise > amount / 2).to(x.dtype), x)


def denoising_loss(
    network: AutoencoderNetwork, batch: Batch, corruption: Corruption, amount: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the squared error of reconstructions of corrupted rows against the clean ones, summed over a row."""
    latent = network.encode(corrupt(batch["x"], corruption, amount, batch["noise"]))
    loss = (network.decode(latent) - batch["x"]).square().flatten(1).sum(1).mean()
    return loss, {"loss": loss.detach(), "latent": latent.detach()}


class DAE(GenerativeModel[DAEConfig]):
    """Reconstruct clean rows from corrupted ones.

    New codes are drawn from a mixture of normal distributions fitted to those of the training rows. Subclass it and
    override `loss` for a loss of your own.
    """

    name = "dae"
    Config = DAEConfig
    network: AutoencoderNetwork
    monitor = Monitor("loss", higher=False)
    has_encoder = True
    spherical_prior = False

    def build(self) -> dict[str, Learner]:
        self.network = build_autoencoder(self.shape, self.config)
        self.fitted_codes = FittedCodes(self)
        return {"network": Learner(self.network, self.loss, self.config, device=self.device)}

    def loss(self, network: AutoencoderNetwork, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch from `loss_batch`, and metrics."""
        return denoising_loss(network, batch, self.config.corruption, self.config.noise)

    def loss_batch(self, batch: Batch) -> Batch:
        """Return what the loss reads: the clean rows `x`, and the `noise` that corrupts them."""
        x = self.inputs(batch)
        draw = torch.randn_like if self.config.corruption == "gaussian" else torch.rand_like
        return {**batch, "x": x, "noise": draw(x)}

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

    def sample_grids(self) -> dict[str, SampleGrid]:
        """Return what to plot, by name: samples, and validation rows above their corrupted and denoised versions."""
        grids = super().sample_grids()
        batch = self.loss_batch(self.fixed_batch(self.first_with_rows("validation", "train"), PLOTTED))
        corrupted = corrupt(batch["x"], self.config.corruption, self.config.noise, batch["noise"])
        return {**grids, "reconstructions": comparison_grid(batch["x"], corrupted, self.network(corrupted))}
