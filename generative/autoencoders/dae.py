"""Denoising autoencoders."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sandlot.generative.base import Rows
from sandlot.generative.config import GenerativeConfig
from sandlot.generative.plots import Shown, in_rows
from sandlot.supervised.data import Batch
from sandlot.tracking import require

from .deterministic import AutoencoderNetwork, DeterministicAutoencoder

Corruption = Literal["gaussian", "masking", "salt-and-pepper"]


@dataclass(frozen=True, kw_only=True)
class DAEConfig(GenerativeConfig):
    """Hyperparameters of a denoising autoencoder."""

    corruption: Corruption = "gaussian"
    """How rows are spoiled: by normal noise, by numbers set to 0, or by numbers set to 0 or 1."""
    noise: float = 0.3
    """Standard deviation of the normal noise, or share of the numbers that are set."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.noise > 0, "noise must be positive", self.noise)
        require(self.corruption == "gaussian" or self.noise <= 1, "a share of noise must be at most 1", self.noise)


def corrupt(x: Rows, kind: Corruption, amount: float, noise: Rows) -> Rows:
    """Return spoiled rows. `noise` is standard normal, or uniform in [0, 1) for what is set.

    Source: Vincent et al., "Stacked denoising autoencoders", 2010, section 3.4.
    """
    match kind:
        case "gaussian":
            return x + amount * noise
        case "masking":
            return torch.where(noise < amount, 0.0, x)
        case _:
            # What falls among the numbers to set is 0 in the first half of these, and 1 in the second.
            return torch.where(noise < amount, (noise > amount / 2).to(x.dtype), x)


def denoising_loss(
    module: AutoencoderNetwork, batch: Batch, corruption: Corruption, amount: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the squared error of what is made of spoiled rows, against whole ones, summed over a row."""
    latent = module.encode(corrupt(batch["x"], corruption, amount, batch["noise"]))
    loss = (module.decode(latent) - batch["x"]).square().flatten(1).sum(1).mean()
    return loss, {"loss": loss.detach(), "latent": latent.detach()}


class DAE(DeterministicAutoencoder):
    """Make whole rows from spoiled ones.

    Source: Vincent et al., "Extracting and composing robust features with denoising autoencoders", 2008.
    """

    name = "dae"
    Config = DAEConfig
    config: DAEConfig

    def make_module(self) -> nn.Module:
        return self.autoencoder(nn.Identity())

    def loss(self, module: Any, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        return denoising_loss(module, batch, self.config.corruption, self.config.noise)

    def with_noise(self, batch: Batch) -> Batch:
        draw = torch.randn_like if self.config.corruption == "gaussian" else torch.rand_like
        return {**batch, "noise": draw(batch["x"])}

    def show(self) -> dict[str, Shown]:
        """Return rows of the validation: whole, spoiled, and made whole again."""
        batch = self.with_noise({"x": self.rows(self.some(self.watched, 24))})
        spoiled = corrupt(batch["x"], self.config.corruption, self.config.noise, batch["noise"])
        return {"reconstructions": in_rows(batch["x"], spoiled, self.module(spoiled))}
