"""The two learners of a GAN, the average of its generator, and the batches that they learn from."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from sandlot.generative.base import LABEL, Label, Latent, Rows
from sandlot.supervised.data import Batch
from sandlot.supervised.networks import Discriminator
from sandlot.supervised.optimization.components import Stateful
from sandlot.supervised.optimization.device import choose_device
from sandlot.supervised.optimization.learner import Learner
from sandlot.supervised.optimization.target_network import TargetNetwork
from sandlot.tracking import SandlotError

from .config import AdversarialConfig
from .networks import Generator

WON_LOGITS = 8.0
"""A gap between logits at which the classes overlap by a few rows in a hundred at most."""
GeneratorLoss = Callable[[Generator, Batch], tuple[Tensor, dict[str, Tensor]]]
DiscriminatorLoss = Callable[[Discriminator, Batch], tuple[Tensor, dict[str, Tensor]]]


class AdversarialPair:
    """A generator and a discriminator, a learner for each, and the moving average of the generator's weights.

    Arguments:
        generator, discriminator: new networks.
        generator_loss: reads the batches of `noise_batch`, and scores its rows by `fixed_discriminator`.
        discriminator_loss: reads the batches of `real_and_fake`.
        images: whether rows are images: generators make these in [-1, 1], and the data has them in [0, 1].
    """

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        generator_loss: GeneratorLoss,
        discriminator_loss: DiscriminatorLoss,
        config: AdversarialConfig,
        images: bool,
    ):
        self.config, self.images = config, images
        learning_rate = config.discriminator_learning_rate or config.learning_rate
        device = choose_device(config.device)
        discriminator_config = replace(config, learning_rate=learning_rate)
        self.discriminator = Learner(discriminator, discriminator_loss, discriminator_config, device=device)
        self.fixed_discriminator: Discriminator = self.discriminator.frozen()
        """The discriminator's current weights, without gradients for them."""
        self.generator = Learner(generator, generator_loss, config, device=device)
        self.average = TargetNetwork(self.generator) if config.generator_average else None
        if self.average:
            self.average.module.eval()
        self.conditional = generator.num_classes > 0
        self.wins_by: float | None = WON_LOGITS
        """Gap of the scores from which the discriminator has won; None for a critic, whose scores have no scale."""

    @property
    def learners(self) -> dict[str, Learner]:
        """The learners by name."""
        return {"generator": self.generator, "discriminator": self.discriminator}

    def require_generator_steps(self, steps: int) -> None:
        """Raise `SandlotError` if the generator would take no step in `steps` of the discriminator."""
        if steps < self.config.n_critic:
            raise SandlotError(
                f"the generator learns after every {self.config.n_critic} steps of the critic, and {steps} are too "
                "few for one; train for more --epochs, or lower --n-critic or --batch-size"
            )

    def won(self, metrics: Mapping[str, float]) -> list[str]:
        """Return a note if the discriminator tells all rows apart, so that the generator learns little from it."""
        gap = metrics.get("score_gap", 0.0)
        if self.wins_by is None or abs(gap) < self.wins_by:
            return []
        return [
            f"the discriminator has won: it scores real rows {gap:.1f} above generated ones; try a lower "
            "--discriminator-learning-rate, --r1 10, --spectral-norm, or another model (hinge-gan, wgan-gp)"
        ]

    @property
    def averages(self) -> dict[str, Stateful]:
        """The averaged generator by name, for checkpoints, if there is one."""
        return {"average": self.average.module} if self.average else {}

    def noise_batch(self, batch: Batch) -> Batch:
        """Return `noise` for as many rows as `batch` has, and their labels if the generator is conditional."""
        labels = {LABEL: batch[LABEL]} if self.conditional else {}
        rows = len(next(iter(batch.values())))
        return {"noise": torch.randn(rows, self.config.latent_size, device=self.generator.device), **labels}

    @torch.no_grad()
    def real_and_fake(self, rows: Rows, noise: Batch) -> Batch:
        """Return `rows` of the data as `real` ones, and `fake` ones generated from a noise batch.

        `mix` holds a uniform random number per row, for penalties between real and fake rows.
        """
        real = 2 * rows - 1 if self.images else rows
        with self.generator.arithmetic():
            fake = self.generator.module(noise["noise"], noise.get(LABEL)).to(real.dtype)
        mix = torch.rand(len(real), *[1] * (real.ndim - 1), device=real.device)
        return {**noise, "real": real, "fake": fake, "mix": mix}

    def update_average(self) -> None:
        """Move the averaged weights towards the generator's; faster at first, or they would stay near the initial."""
        if self.average:
            steps = self.generator.optimizer.steps
            self.average.update(max(1 - self.config.generator_average, 9 / (10 + steps)))

    def generate(self, noise: Latent, label: Label = None) -> Rows:
        """Return rows in the range of the data, from the averaged generator if there is one."""
        generator = self.average.module if self.average else self.generator.module
        fake = generator(noise, label)
        return (fake + 1) / 2 if self.images else fake

    def score_gap(self, batches: Iterable[tuple[Rows, Batch]]) -> float:
        """Return how much higher real rows score than fake ones on average; it doesn't tell how good samples are.

        `batches` holds batches of the data, each after its rows.
        """
        total, count = 0.0, 0
        for rows, batch in batches:
            compared = self.real_and_fake(rows, self.noise_batch(batch))
            label = compared.get(LABEL)
            real = self.discriminator.module(compared["real"], label)
            fake = self.discriminator.module(compared["fake"], label)
            total += (real.mean() - fake.mean()).item() * len(real)
            count += len(real)
        return total / count

    def forward_pass(self, name: str, rows: Rows, batch: Batch) -> None:
        """Send a batch through the network called `name`, for those who watch its layers."""
        compared = self.real_and_fake(rows, self.noise_batch(batch))
        inputs = compared["noise" if name == "generator" else "real"]
        self.learners[name].module(inputs, compared.get(LABEL))
