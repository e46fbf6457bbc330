"""The Wasserstein GAN with a gradient penalty.

Source: Gulrajani et al., "Improved training of Wasserstein GANs", 2017.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from sandlot.generative.base import LABEL, GenerativeModel, Label, Latent, Rows
from sandlot.supervised.data import Batch, Subset
from sandlot.supervised.networks import Discriminator
from sandlot.supervised.optimization.components import Stateful
from sandlot.supervised.optimization.learner import Learner
from sandlot.supervised.optimization.optimizers import Betas
from sandlot.tracking import require

from .config import AdversarialConfig
from .networks import Generator, Scorer, Scores, build_discriminator, build_generator, r1_penalty
from .pair import AdversarialPair


@dataclass(frozen=True, kw_only=True)
class WGANGPConfig(AdversarialConfig):
    """Hyperparameters of a Wasserstein GAN with a gradient penalty."""

    betas: Betas = (0.0, 0.9)
    n_critic: int = 5
    widths: tuple[int, ...] = (64, 128)
    """Channels of the convolutions, each of which halves the image in the critic, or doubles it in the generator."""
    penalty_weight: float = 10.0
    """Weight λ of the gradient penalty; with 0, nothing enforces the critic's Lipschitz constraint."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.penalty_weight >= 0, "penalty_weight must be at least 0", self.penalty_weight)


def critic_loss(real: Scores, fake: Scores) -> Float[Tensor, ""]:
    """Return minus the critic's estimate of the Wasserstein distance (equation 2)."""
    return fake.mean() - real.mean()


def gradient_penalty(
    critic: Scorer, real: Rows, fake: Rows, mix: Float[Tensor, "row ..."], label: Label
) -> Float[Tensor, ""]:
    """Return the mean squared distance from 1 of the critic's gradient norm, between real and fake rows.

    Each row is `mix` of a real and 1 - `mix` of a fake one. Equation 3, without its weight.
    """
    mixed = (mix * real + (1 - mix) * fake).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(mixed, label).sum(), mixed, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


def wgan_gp_critic_loss(
    critic: Discriminator, batch: Batch, penalty_weight: float, r1: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the critic's loss for a batch's real and fake rows, plus the penalties that have a weight."""
    label = batch.get(LABEL)
    real, fake = critic(batch["real"], label), critic(batch["fake"], label)
    loss = critic_loss(real, fake)
    metrics = {"loss": loss.detach(), "real_score": real.detach().mean(), "fake_score": fake.detach().mean()}
    if penalty_weight:
        penalty = penalty_weight * gradient_penalty(critic, batch["real"], batch["fake"], batch["mix"], label)
        loss, metrics["gradient_penalty"] = loss + penalty, penalty.detach()
    if r1:
        penalty = r1_penalty(critic, batch["real"], label)
        loss, metrics["r1_penalty"] = loss + r1 * penalty, penalty.detach()
    return loss, metrics


def wgan_generator_loss(generator: Generator, batch: Batch, critic: Discriminator) -> tuple[Tensor, dict[str, Tensor]]:
    """Return minus the mean score that the critic gives the generator's rows."""
    label = batch.get(LABEL)
    loss = -critic(generator(batch["noise"], label), label).mean()
    return loss, {"loss": loss.detach()}


class WGANGP(GenerativeModel[WGANGPConfig]):
    """Learn a generator whose rows are close to the real ones in the Wasserstein distance that a critic estimates.

    Subclass it and override `discriminator_loss` and `generator_loss` for losses of your own (see `GAN`).
    """

    name = "wgan-gp"
    Config = WGANGPConfig
    pair: AdversarialPair

    def build(self) -> dict[str, Learner]:
        generator = build_generator(self.shape, self.config)
        discriminator = build_discriminator(self.shape, self.config)
        losses = self.generator_loss, self.discriminator_loss
        self.pair = AdversarialPair(generator, discriminator, *losses, self.config, self.makes_images)
        self.pair.wins_by = None
        return self.pair.learners

    def train_step(self, batches: Sequence[Batch]) -> None:
        """Take a step of the critic, and after every `n_critic` of them one of the generator (algorithm 1)."""
        pair = self.pair
        rows = [pair.real_and_fake(self.inputs(self.augment(batch)), pair.noise_batch(batch)) for batch in batches]
        pair.discriminator.step(*rows)
        if (self.step + 1) % self.config.n_critic == 0:
            pair.generator.step(*map(pair.noise_batch, batches))
            pair.update_average()

    def discriminator_loss(self, discriminator: Discriminator, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the critic's loss of a batch of `real` and `fake` rows, and metrics."""
        return wgan_gp_critic_loss(discriminator, batch, self.config.penalty_weight, self.config.r1)

    def generator_loss(self, generator: Generator, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch of `noise`, and metrics."""
        return wgan_generator_loss(generator, batch, self.pair.fixed_discriminator)

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
