"""Autoencoders whose codes are words of a learned vocabulary.

Source: van den Oord et al., "Neural discrete representation learning", 2017.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sandlot.generative.base import Label, Latent, Rows
from sandlot.generative.config import GenerativeConfig
from sandlot.supervised.data import Batch, Frame, Subset
from sandlot.supervised.networks import MapDecoder, Quantizer, StridedCNN, in_float32
from sandlot.supervised.optimization.learner import Learner
from sandlot.tracking import SandlotError, require

from .base import EXAMINED, Autoencoder, means
from .code_prior import CODES, CodePrior, prior_loss

Maps = Float[Tensor, "row size small_height small_width"]


@dataclass(frozen=True, kw_only=True)
class VQVAEConfig(GenerativeConfig):
    """Hyperparameters of an autoencoder with a vocabulary."""

    widths: tuple[int, ...] = (64, 128)
    """Channels of the convolutions, each of which halves the image; what is left a side are the words of a code."""
    latent_size: int = 16
    """Numbers that a word is made of."""
    vocabulary: int = 256
    """Words in the vocabulary."""
    vocabulary_decay: float = 0.99
    """Share of the old that the moving averages, by which words learn, keep at each step."""
    commitment: float = 0.25
    """Weight of how far codes are from their words (β in the paper)."""
    prior_size: int = 128
    """Units of the GRU that learns which codes there are."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.vocabulary >= 2, "vocabulary must be at least 2", self.vocabulary)
        require(0 <= self.vocabulary_decay < 1, "vocabulary_decay must be in [0, 1)", self.vocabulary_decay)
        require(self.commitment >= 0, "commitment must be at least 0", self.commitment)
        require(self.prior_size >= 1, "prior_size must be at least 1", self.prior_size)


class VectorQuantized(nn.Module):
    """An encoder to maps, a vocabulary, and a decoder of maps of words."""

    def __init__(self, shape: tuple[int, int, int], config: VQVAEConfig):
        super().__init__()
        self.encoder = StridedCNN(*shape, config.widths)
        self.to_latent = nn.Conv2d(config.widths[-1], config.latent_size, 1)
        self.quantizer = Quantizer(config.vocabulary, config.latent_size, config.vocabulary_decay)
        self.from_latent = nn.Sequential(nn.Conv2d(config.latent_size, config.widths[-1], 3, padding=1), nn.ReLU())
        self.decoder = MapDecoder(*shape, config.widths, upsampling=config.upsampling)
        self.code_shape = self.encoder.map_shape[1:]
        """Height and width of a code."""

    def encode(self, x: Float[Tensor, "row channel height width"]) -> Maps:
        """Return the maps of each image, before words take their place."""
        return in_float32(self.to_latent, self.encoder.maps(x))

    def codes(self, latent: Maps) -> Int[Tensor, "row length"]:
        """Return the places of the words that are nearest to the maps, line by line."""
        return self.quantizer(vectors_of(latent)).view(len(latent), -1)

    def words(self, codes: Int[Tensor, "row length"]) -> Maps:
        """Return the words at some places, as maps."""
        return self.quantizer.words[codes].transpose(1, 2).unflatten(2, self.code_shape)

    def decode(self, quantized: Maps) -> Float[Tensor, "row channel height width"]:
        """Return the image for each map of words."""
        return self.decoder(self.from_latent(quantized)).sigmoid()


def vectors_of(latent: Maps) -> Float[Tensor, "vector size"]:
    """Return the vectors of maps, row by row and line by line."""
    return latent.permute(0, 2, 3, 1).flatten(0, 2)


def commitment_loss(latent: Maps, quantized: Maps) -> Float[Tensor, ""]:
    """Return the mean squared distance of codes from their words, which it does not move (equation 3, third term)."""
    return (latent - quantized.detach()).square().mean()


def vq_vae_loss(module: VectorQuantized, batch: Batch, commitment: float) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the squared error of the reconstruction, summed over an image, and the commitment to words.

    The decoder's gradient passes straight through to the encoder, as if the words were what the encoder gave.
    """
    latent = module.encode(batch["x"])
    codes = module.codes(latent)
    quantized = module.words(codes)
    through = latent + (quantized - latent).detach()
    error = (module.decode(through) - batch["x"]).square().flatten(1).sum(1).mean()
    committed = commitment_loss(latent, quantized)
    # The paper weighs means over numbers; the error here is a sum over them.
    loss = error + commitment * committed * batch["x"][0].numel()
    metrics = {"loss": loss, "error": error, "commitment": committed, "latent": latent, CODES: codes}
    return loss, {name: value.detach() for name, value in metrics.items()}


class VQVAE(Autoencoder):
    """Squeeze images into maps of words, make them again from these, and learn which maps of words there are."""

    name = "vq-vae"
    Config = VQVAEConfig
    config: VQVAEConfig

    spherical = False

    def fit_preprocessing(self, train: Frame) -> dict[str, Any]:
        if self.metadata["kind"] != "images":
            raise SandlotError(f"the vq-vae learns from images, and {train.name} holds {self.metadata['kind']}")
        if self.config.network not in ("auto", "strided"):
            raise SandlotError(f"the vq-vae reads maps of the network strided, not {self.config.network}")
        return super().fit_preprocessing(train)

    def make_module(self) -> nn.Module:
        channels, height, width = self.shape
        return VectorQuantized((channels, height, width), self.config)

    def build(self) -> dict[str, Learner]:
        learners = super().build()
        network: Any = learners["network"].module
        prior = CodePrior(self.config.vocabulary, prod(network.code_shape), self.config.prior_size)
        return {**learners, "prior": Learner(prior, prior_loss, replace(self.config, max_grad_norm=1.0))}

    @property
    def prior(self) -> Any:
        """The model of codes."""
        return self.learners["prior"].module

    def loss(self, module: Any, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        return vq_vae_loss(module, batch, self.config.commitment)

    def with_noise(self, batch: Batch) -> Batch:
        return batch

    def train_step(self, batches: Sequence[Batch]) -> None:
        metrics = self.learners["network"].step(*(self.prepared(self.augment(batch)) for batch in batches))
        self.module.quantizer.update(vectors_of(metrics["latent"]), metrics[CODES].flatten())
        self.learners["prior"].step({CODES: metrics[CODES]})

    def forward_pass(self, name: str, batch: Batch) -> None:
        if name == "network":
            super().forward_pass(name, batch)
        else:
            self.prior(self.module.codes(self.module.encode(self.rows(batch))))

    def compute_metrics(self, subset: Subset) -> dict[str, float]:
        """Return the errors, and how much of the vocabulary is in use: its share, and the words' perplexity."""
        codes = self.codes(subset)
        counts = torch.bincount(codes.flatten(), minlength=self.config.vocabulary).float()
        shares = counts / counts.sum()
        prior = partial(prior_loss, self.prior)
        nats = means(prior, ({"x": some, CODES: some} for some in codes.split(EXAMINED)))
        return {
            **super().compute_metrics(subset),
            **nats,
            "usage": (counts > 0).float().mean().item(),
            "perplexity": torch.special.entr(shares).sum().exp().item(),
        }

    def codes(self, subset: Subset) -> Int[Tensor, "row length"]:
        """Return the words of each row of a subset."""
        module = self.module
        return torch.cat([module.codes(module.encode(self.rows(batch))) for batch in subset.batches(EXAMINED)])

    def latent(self, batch: Batch) -> Latent:
        return self.module.encode(self.rows(batch)).flatten(1)

    def draw_codes(self, count: int) -> Latent:
        return self.module.words(self.prior.sample(count)).flatten(1)

    def decode(self, latent: Latent, label: Label = None) -> Rows:
        module = self.module
        return module.decode(module.words(module.codes(latent.unflatten(1, (-1, *module.code_shape)))))
