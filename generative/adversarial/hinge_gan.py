"""A GAN with a hinge loss and a spectrally normalized discriminator.

Source: Miyato et al., "Spectral normalization for generative adversarial networks", 2018; Lim and Ye, "Geometric
GAN", 2017, for the loss.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from sandlot.generative.base import LABEL, GenerativeModel, Label, Latent, Rows
from sandlot.supervised.data import Batch, Subset
from sandlot.supervised.networks import Discriminator
from sandlot.supervised.optimization.components import Stateful
from sandlot.supervised.optimization.learner import Learner
from sandlot.supervised.optimization.optimizers import Betas

from .config import AdversarialConfig
from .networks import Generator, Scores, build_discriminator, build_generator, r1_penalty
from .pair import AdversarialPair


@dataclass(frozen=True, kw_only=True)
class HingeGANConfig(AdversarialConfig):
    """Hyperparameters of a GAN with a hinge loss."""

    betas: Betas = (0.0, 0.9)
    widths: tuple[int, ...] = (64, 128)
    """Channels of the convolutions, each of which halves the image in the discriminator, or doubles it in the
    generator."""
    spectral_norm: bool = True


def hinge_loss(real: Scores, fake: Scores) -> Float[Tensor, ""]:
    """Return the discriminator's hinge loss: how far real rows score below 1, and fake ones above -1."""
    return (1 - real).relu().mean() + (1 + fake).relu().mean()


def hinge_discriminator_loss(discriminator: Discriminator, batch: Batch, r1: float) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the hinge loss of a batch's real and fake rows, plus the R1 penalty if it has a weight."""
    label = batch.get(LABEL)
    real, fake = discriminator(batch["real"], label), discriminator(batch["fake"], label)
    loss = hinge_loss(real, fake)
    metrics = {"loss": loss.detach(), "real_score": real.detach().mean(), "fake_score": fake.detach().mean()}
    if r1:
        penalty = r1_penalty(discriminator, batch["real"], label)
        loss, metrics["r1_penalty"] = loss + r1 * penalty, penalty.detach()
    return loss, metrics


def hinge_generator_loss(
    generator: Generator, batch: Batch, discriminator: Discriminator
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return minus the mean score that the discriminator gives the generator's rows."""
    label = batch.get(LABEL)
    loss = -discriminator(generator(batch["noise"], label), label).mean()
    return loss, {"loss": loss.detach()}


class HingeGAN(GenerativeModel[HingeGANConfig]):
    """Learn a generator against a discriminator with a hinge loss and a bounded Lipschitz constant.

    Subclass it and override `discriminator_loss` and `generator_loss` for losses of your own (see `GAN`).
    """

    name = "hinge-gan"
    Config = HingeGANConfig
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
        return hinge_discriminator_loss(discriminator, batch, self.config.r1)

    def generator_loss(self, generator: Generator, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch of `noise`, and metrics."""
        return hinge_generator_loss(generator, batch, self.pair.fixed_discriminator)

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
