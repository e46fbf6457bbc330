"""Vector-quantized variational autoencoders.

Source: van den Oord et al., "Neural discrete representation learning", 2017.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.generative.base import GenerativeModel, Label, Latent, Rows
from sandlot.generative.config import GenerativeConfig
from sandlot.generative.metrics import EVAL_BATCH_SIZE, mean_metrics
from sandlot.generative.networks import export_encoder
from sandlot.supervised.data import Batch, Frame, Subset
from sandlot.supervised.fitting.monitor import Monitor
from sandlot.supervised.networks import MapDecoder, StridedCNN, VectorQuantizer, in_float32
from sandlot.supervised.optimization.learner import Learner
from sandlot.supervised.transfer.trained_encoder import TrainedEncoder
from sandlot.tracking import SandlotError, require

from .code_prior import CODES, CodePrior, Codes, prior_loss

Maps = Float[Tensor, "row size small_height small_width"]
Images = Float[Tensor, "row channel height width"]


@dataclass(frozen=True, kw_only=True)
class VQVAEConfig(GenerativeConfig):
    """Hyperparameters of a VQ-VAE."""

    widths: tuple[int, ...] = (64, 128)
    """Channels of the convolutions, each of which halves the image; a code is predicted at each remaining position."""
    latent_size: int = 16
    """Dimensions of a codebook entry."""
    codebook_size: int = 256
    """Number of codebook entries."""
    codebook_decay: float = 0.99
    """Decay of the moving averages by which codebook entries learn."""
    commitment: float = 0.25
    """Weight β of the commitment loss."""
    prior_size: int = 128
    """Hidden units of the GRU that learns the prior over codes."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.codebook_size >= 2, "codebook_size must be at least 2", self.codebook_size)
        require(0 <= self.codebook_decay < 1, "codebook_decay must be in [0, 1)", self.codebook_decay)
        require(self.commitment >= 0, "commitment must be at least 0", self.commitment)
        require(self.prior_size >= 1, "prior_size must be at least 1", self.prior_size)


class VQVAENetwork(nn.Module):
    """A convolutional encoder, a vector quantizer, and a decoder of quantized feature maps."""

    def __init__(self, shape: tuple[int, int, int], config: VQVAEConfig):
        super().__init__()
        self.encoder = StridedCNN(*shape, config.widths)
        self.to_latent = nn.Conv2d(config.widths[-1], config.latent_size, 1)
        self.quantizer = VectorQuantizer(config.codebook_size, config.latent_size, config.codebook_decay)
        self.from_latent = nn.Sequential(nn.Conv2d(config.latent_size, config.widths[-1], 3, padding=1), nn.ReLU())
        self.decoder = MapDecoder(*shape, config.widths, upsampling=config.upsampling)
        self.code_shape = self.encoder.map_shape[1:]
        """Height and width of the grid of codes."""

    def encode(self, x: Images) -> Maps:
        """Return the encoder's output z_e(x), before quantization."""
        return in_float32(self.to_latent, self.encoder.maps(x))

    def quantize(self, latent: Maps) -> Codes:
        """Return the codes of the nearest codebook entries, line by line."""
        return self.quantizer(vectors_of(latent)).view(len(latent), -1)

    def look_up(self, codes: Codes) -> Maps:
        """Return the codebook entries of codes, as maps: z_q(x)."""
        return self.quantizer.codebook[codes].transpose(1, 2).unflatten(2, self.code_shape)

    def decode(self, quantized: Maps) -> Images:
        """Return the image for each quantized map."""
        return self.decoder(self.from_latent(quantized)).sigmoid()


def vectors_of(latent: Maps) -> Float[Tensor, "vector size"]:
    """Return the vectors at all positions of maps, row by row and line by line."""
    return latent.permute(0, 2, 3, 1).flatten(0, 2)


def commitment_loss(latent: Maps, quantized: Maps) -> Float[Tensor, ""]:
    """Return the mean squared distance to the codebook entries, which it does not move (equation 3, third term)."""
    return (latent - quantized.detach()).square().mean()


def vq_vae_loss(network: VQVAENetwork, batch: Batch, commitment: float) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the squared reconstruction error, summed over an image, plus the commitment loss.

    The gradient passes straight through the quantization, from the decoder's input to the encoder's output.
    """
    latent = network.encode(batch["x"])
    codes = network.quantize(latent)
    quantized = network.look_up(codes)
    straight_through = latent + (quantized - latent).detach()
    error = (network.decode(straight_through) - batch["x"]).square().flatten(1).sum(1).mean()
    committed = commitment_loss(latent, quantized)
    # The paper weighs means over values; the error here is a sum over them.
    loss = error + commitment * committed * batch["x"][0].numel()
    scalars = {"loss": loss, "reconstruction_error": error, "commitment_loss": committed}
    return loss, {name: value.detach() for name, value in {**scalars, "latent": latent, CODES: codes}.items()}


class VQVAE(GenerativeModel[VQVAEConfig]):
    """Compress images to grids of discrete codes, reconstruct them, and learn a prior over the codes to sample from.

    Subclass it and override `loss` for a loss of your own; its metrics must hold `latent` and `codes`.
    """

    name = "vq-vae"
    Config = VQVAEConfig
    network: VQVAENetwork
    prior: CodePrior
    monitor = Monitor("loss", higher=False)
    has_encoder = True
    spherical_prior = False

    def fit_preprocessing(self, train: Frame) -> dict[str, Any]:
        if not self.makes_images:
            raise SandlotError(f"the vq-vae learns from images, and {train.name} holds {self.metadata['kind']}")
        if self.config.network not in ("auto", "strided"):
            raise SandlotError(f"the vq-vae needs the network strided, not {self.config.network}")
        return super().fit_preprocessing(train)

    def build(self) -> dict[str, Learner]:
        channels, height, width = self.shape
        self.network = VQVAENetwork((channels, height, width), self.config)
        network_learner = Learner(self.network, self.loss, self.config, device=self.device)
        self.prior = CodePrior(self.config.codebook_size, prod(self.network.code_shape), self.config.prior_size)
        prior_learner = Learner(self.prior, prior_loss, replace(self.config, max_grad_norm=1.0), device=self.device)
        return {"network": network_learner, "prior": prior_learner}

    def loss(self, network: VQVAENetwork, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch from `loss_batch`, and metrics."""
        return vq_vae_loss(network, batch, self.config.commitment)

    def loss_batch(self, batch: Batch) -> Batch:
        """Return what the loss reads: the images `x`."""
        return {**batch, "x": self.inputs(batch)}

    def train_step(self, batches: Sequence[Batch]) -> None:
        """Take a gradient step of encoder and decoder, update the codebook, and take a step of the prior."""
        metrics = self.learners["network"].step(*(self.loss_batch(self.augment(batch)) for batch in batches))
        self.network.quantizer.update(vectors_of(metrics["latent"]), metrics[CODES].flatten())
        self.learners["prior"].step({CODES: metrics[CODES]})

    def compute_metrics(self, subset: Subset) -> dict[str, float]:
        """Return the mean metrics of both losses, the fraction of the codebook in use, and the codes' perplexity."""
        codes = self.codes_of(subset)
        counts = torch.bincount(codes.flatten(), minlength=self.config.codebook_size).float()
        frequencies = counts / counts.sum()
        chunks = codes.split(EVAL_BATCH_SIZE)
        return {
            **mean_metrics(partial(self.loss, self.network), map(self.loss_batch, self.batches(subset))),
            **mean_metrics(partial(prior_loss, self.prior), ({"x": chunk, CODES: chunk} for chunk in chunks)),
            "codebook_usage": (counts > 0).float().mean().item(),
            "codebook_perplexity": torch.special.entr(frequencies).sum().exp().item(),
        }

    def notes(self, metrics: Mapping[str, float]) -> list[str]:
        notes = super().notes(metrics)
        size = self.config.codebook_size
        if metrics and (dead := round((1 - metrics["codebook_usage"]) * size)):
            notes.append(
                f"{dead} of {size} codebook entries are dead: no test row uses them (perplexity "
                f"{metrics['codebook_perplexity']:.1f}); try a smaller --codebook-size or more epochs"
            )
        return notes

    def codes_of(self, subset: Subset) -> Codes:
        """Return the codes of each row of a subset."""
        batches = self.batches(subset)
        return torch.cat([self.network.quantize(self.network.encode(self.inputs(batch))) for batch in batches])

    def embed(self, batch: Batch) -> Latent:
        return self.network.encode(self.inputs(batch)).flatten(1)

    def sample_prior(self, count: int) -> Latent:
        return self.network.look_up(self.prior.sample(count)).flatten(1)

    def decode(self, latent: Latent, label: Label = None) -> Rows:
        """Return the image for each latent vector, after quantizing it."""
        maps = latent.unflatten(1, (-1, *self.network.code_shape))
        return self.network.decode(self.network.look_up(self.network.quantize(maps)))

    def forward_pass(self, name: str, batch: Batch) -> None:
        if name == "network":
            self.loss(self.network, self.loss_batch(batch))
        else:
            self.prior(self.network.quantize(self.network.encode(self.inputs(batch))))

    def trained_encoder(self) -> TrainedEncoder:
        """Return the encoder, for an agent or another task to start from."""
        return export_encoder(self.network.encoder, self.metadata, self.config)
