"""The original generative adversarial network.

Source: Goodfellow et al., "Generative adversarial nets", 2014.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from sandlot.generative.base import LABEL, GenerativeModel, Label, Latent, Rows
from sandlot.supervised.data import Batch, Subset
from sandlot.supervised.networks import Discriminator
from sandlot.supervised.optimization.components import Stateful
from sandlot.supervised.optimization.learner import Learner
from sandlot.tracking import require

from .config import AdversarialConfig
from .networks import Generator, Scores, build_discriminator, build_generator, r1_penalty
from .pair import AdversarialPair

Objective = Literal["non-saturating", "minimax"]


@dataclass(frozen=True, kw_only=True)
class GANConfig(AdversarialConfig):
    """Hyperparameters of a generative adversarial network."""

    network: str = "mlp"
    """Discriminator: mlp; for images also strided, cnn, impala, resnet, vit or capsule."""
    objective: Objective = "non-saturating"
    """Generator loss: non-saturating (maximize log D(G(z))) or minimax (minimize log(1 - D(G(z))))."""
    label_smoothing: float = 0.1
    """One-sided label smoothing: the target of real rows is 1 minus this (Salimans et al., 2016, section 3.4)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.label_smoothing < 1, "label_smoothing must be in [0, 1)", self.label_smoothing)


def bce_loss(real: Scores, fake: Scores, label_smoothing: float = 0.0) -> Float[Tensor, ""]:
    """Return the discriminator's binary cross-entropy (equation 1, negated) with one-sided label smoothing."""
    real_loss = (1 - label_smoothing) * F.softplus(-real) + label_smoothing * F.softplus(real)
    return real_loss.mean() + F.softplus(fake).mean()


def non_saturating_loss(fake: Scores) -> Float[Tensor, ""]:
    """Return the generator's loss -log D(G(z)) (section 3)."""
    return F.softplus(-fake).mean()


def minimax_loss(fake: Scores) -> Float[Tensor, ""]:
    """Return the generator's loss log(1 - D(G(z))) (equation 1)."""
    return -F.softplus(fake).mean()


def gan_discriminator_loss(
    discriminator: Discriminator, batch: Batch, label_smoothing: float, r1: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the cross-entropy of a batch's real and fake rows, plus the R1 penalty if it has a weight."""
    label = batch.get(LABEL)
    real, fake = discriminator(batch["real"], label), discriminator(batch["fake"], label)
    loss = bce_loss(real, fake, label_smoothing)
    metrics = {"loss": loss.detach(), "real_score": real.detach().mean(), "fake_score": fake.detach().mean()}
    if r1:
        penalty = r1_penalty(discriminator, batch["real"], label)
        loss, metrics["r1_penalty"] = loss + r1 * penalty, penalty.detach()
    return loss, metrics


def gan_generator_loss(
    generator: Generator, batch: Batch, discriminator: Discriminator, objective: Objective
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the generator's loss for the scores that the discriminator gives its rows."""
    label = batch.get(LABEL)
    fake = discriminator(generator(batch["noise"], label), label)
    loss = minimax_loss(fake) if objective == "minimax" else non_saturating_loss(fake)
    return loss, {"loss": loss.detach()}


class GAN(GenerativeModel[GANConfig]):
    """Learn a generator whose rows a discriminator can't tell from real ones.

    Subclass it and override `discriminator_loss` and `generator_loss` for losses of your own.

    Example:
        class LeastSquaresGAN(GAN):
            name = "least-squares-gan"

            def discriminator_loss(self, discriminator, batch):
                real, fake = discriminator(batch["real"]), discriminator(batch["fake"])
                loss = (real - 1).square().mean() + fake.square().mean()
                return loss, {"loss": loss.detach()}

            def generator_loss(self, generator, batch):
                fake = self.pair.fixed_discriminator(generator(batch["noise"]))
                loss = (fake - 1).square().mean()
                return loss, {"loss": loss.detach()}

        model = LeastSquaresGAN("digits").learn(epochs=20)
        images = model.sample(64)
    """

    name = "gan"
    Config = GANConfig
    pair: AdversarialPair

    def build(self) -> dict[str, Learner]:
        generator = build_generator(self.shape, self.config)
        discriminator = build_discriminator(self.shape, self.config)
        losses = self.generator_loss, self.discriminator_loss
        self.pair = AdversarialPair(generator, discriminator, *losses, self.config, self.makes_images)
        return self.pair.learners

    def train_step(self, batches: Sequence[Batch]) -> None:
        """Take a discriminator step, and after every `n_critic` of them a generator step (algorithm 1)."""
        pair = self.pair
        rows = [pair.real_and_fake(self.inputs(self.augment(batch)), pair.noise_batch(batch)) for batch in batches]
        pair.discriminator.step(*rows)
        if (self.step + 1) % self.config.n_critic == 0:
            pair.generator.step(*map(pair.noise_batch, batches))
            pair.update_average()

    def discriminator_loss(self, discriminator: Discriminator, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch of `real` and `fake` rows, and metrics."""
        return gan_discriminator_loss(discriminator, batch, self.config.label_smoothing, self.config.r1)

    def generator_loss(self, generator: Generator, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch of `noise`, and metrics."""
        return gan_generator_loss(generator, batch, self.pair.fixed_discriminator, self.config.objective)

    def compute_metrics(self, subset: Subset) -> dict[str, float]:
        batches = self.batches(subset)
        return {"score_gap": self.pair.score_gap((self.inputs(batch), batch) for batch in batches)}

    def decode(self, latent: Latent, label: Label = None) -> Rows:
        return self.pair.generate(latent, label)

    def prepare(self, steps: int) -> None:
        self.pair.require_generator_steps(steps)
        super().prepare(steps)

    def notes(self, metrics: Mapping[str, float]) -> list[str]:
        return [*super().notes(metrics), *self.pair.won(metrics)]

    def components(self) -> dict[str, Stateful]:
        return {**super().components(), **self.pair.averages}

    def forward_pass(self, name: str, batch: Batch) -> None:
        self.pair.forward_pass(name, self.inputs(batch), batch)
