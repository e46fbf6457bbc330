"""A conditional GAN, with a projection discriminator and the hinge loss.

Source: Mirza and Osindero, "Conditional generative adversarial nets", 2014; Miyato and Koyama, "cGANs with
projection discriminator", 2018, for the discriminator.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from sandlot.generative.base import GenerativeModel, Label, Latent, Rows
from sandlot.supervised.data import Batch, Subset
from sandlot.supervised.networks import Discriminator
from sandlot.supervised.optimization.components import Stateful
from sandlot.supervised.optimization.learner import Learner

from .hinge_gan import HingeGANConfig, hinge_discriminator_loss, hinge_generator_loss
from .networks import Generator, build_discriminator, build_generator
from .pair import AdversarialPair


@dataclass(frozen=True, kw_only=True)
class CGANConfig(HingeGANConfig):
    """Hyperparameters of a conditional GAN."""


class CGAN(GenerativeModel[CGANConfig]):
    """Learn a generator of rows of a given class, against a discriminator that is told the class as well.

    Subclass it and override `discriminator_loss` and `generator_loss` for losses of your own (see `GAN`); the classes
    are in the batch as `label`.
    """

    name = "cgan"
    Config = CGANConfig
    pair: AdversarialPair

    @property
    def is_conditional(self) -> bool:
        return True

    def build(self) -> dict[str, Learner]:
        generator = build_generator(self.shape, self.config, self.num_conditions)
        discriminator = build_discriminator(self.shape, self.config, self.num_conditions)
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
