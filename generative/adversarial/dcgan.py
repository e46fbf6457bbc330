"""A GAN of convolutional networks.

Source: Radford et al., "Unsupervised representation learning with deep convolutional generative adversarial
networks", 2016.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from sandlot.generative.base import GenerativeModel, Label, Latent, Rows
from sandlot.supervised.data import Batch, Subset
from sandlot.supervised.networks import Discriminator
from sandlot.supervised.optimization.components import Stateful
from sandlot.supervised.optimization.learner import Learner

from .gan import GANConfig, gan_discriminator_loss, gan_generator_loss
from .networks import Generator, build_discriminator, build_generator
from .pair import AdversarialPair


@dataclass(frozen=True, kw_only=True)
class DCGANConfig(GANConfig):
    """Hyperparameters of a deep convolutional GAN."""

    network: str = "auto"
    """Discriminator: mlp; for images also strided, cnn, impala, resnet, vit or capsule. Auto is strided for images
    and mlp for tables."""
    widths: tuple[int, ...] = (64, 128)
    """Channels of the convolutions, each of which halves the image in the discriminator, or doubles it in the
    generator."""


class DCGAN(GenerativeModel[DCGANConfig]):
    """Learn a generator with the GAN's losses, convolutional networks, and weights drawn from a narrow normal.

    Subclass it and override `discriminator_loss` and `generator_loss` for losses of your own (see `GAN`).
    """

    name = "dcgan"
    Config = DCGANConfig
    pair: AdversarialPair

    def build(self) -> dict[str, Learner]:
        generator = build_generator(self.shape, self.config, normal_init=True)
        discriminator = build_discriminator(self.shape, self.config, normal_init=True)
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
