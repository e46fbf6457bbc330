"""What adversarial models share: two networks, of which one makes rows and the other tells them from real ones.

Source: Goodfellow et al., "Generative adversarial nets", 2014, algorithm 1.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.generative.base import LABEL, Label, Latent, Model, Rows
from sandlot.generative.config import GenerativeConfig
from sandlot.generative.networks import decoder_of, encoder_of
from sandlot.supervised.data import Batch, Subset
from sandlot.supervised.networks import Discriminator, MapNormalization, normalize_spectrally
from sandlot.supervised.optimization.components import Stateful
from sandlot.supervised.optimization.learner import Learner
from sandlot.supervised.optimization.optimizers import Betas
from sandlot.supervised.optimization.target_network import TargetNetwork, frozen
from sandlot.tracking import require

Scores = Float[Tensor, "row"]
Metrics = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class AdversarialConfig(GenerativeConfig):
    """How two networks learn against each other."""

    learning_rate: float = 2e-4
    betas: Betas = (0.5, 0.999)
    optimizer_epsilon: float = 1e-8
    latent_size: int = 64
    """Numbers that a row is made from."""
    discriminator_learning_rate: float = 0.0
    """Learning rate of the discriminator, if it is not the generator's (Heusel et al., 2017); 0 for the same."""
    n_critic: int = 1
    """Steps of the discriminator for each of the generator."""
    generator_average: float = 0.999
    """Share of the old that the average of the generator's weights, which makes the samples, keeps at each of its
    steps (Yazıcı et al., "The unusual effectiveness of averaging in GAN training", 2019); 0 for no average."""
    generator_normalization: MapNormalization = "batch"
    """Normalisation of the generator's maps."""
    spectral_norm: bool = False
    """Normalise the discriminator's weights spectrally (Miyato et al., 2018)."""
    r1: float = 0.0
    """Weight of the discriminator's squared gradient at real rows (Mescheder et al., 2018: 10)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.n_critic >= 1, "n_critic must be at least 1", self.n_critic)
        require(0 <= self.generator_average < 1, "generator_average must be in [0, 1)", self.generator_average)
        for name in ("r1", "discriminator_learning_rate"):
            require(getattr(self, name) >= 0, f"{name} must be at least 0", getattr(self, name))


class Generator(nn.Module):
    """Make rows of noise, of a class if there are any: images between -1 and 1."""

    compiles = False
    """Statistics of a batch are written down on the way."""

    def __init__(self, decoder: nn.Module, squash: nn.Module, classes: int = 0):
        super().__init__()
        self.decoder, self.squash, self.classes = decoder, squash, classes

    def forward(self, noise: Latent, label: Label = None) -> Rows:
        """Return a row for each vector of noise."""
        if self.classes:
            assert label is not None
            noise = torch.cat([noise, F.one_hot(label, self.classes).to(noise.dtype)], dim=-1)
        return self.squash(self.decoder(noise))


def r1_penalty(discriminator: Any, real: Rows, label: Label) -> Float[Tensor, ""]:
    """Return half the mean squared gradient of the scores of real rows.

    Source: Mescheder et al., "Which training methods for GANs do actually converge?", 2018, equation 9.
    """
    real = real.detach().requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(real, label).sum(), real, create_graph=True)
    return 0.5 * slope.square().flatten(1).sum(1).mean()


class Adversarial(Model):
    """A generator, and a discriminator that tells what it makes from real rows.

    Subclasses say what each of the two minimises.
    """

    config: Any

    @abstractmethod
    def discriminator_loss(self, real: Scores, fake: Scores) -> Float[Tensor, ""]:
        """Return what the discriminator minimises, given its scores."""

    @abstractmethod
    def generator_loss(self, fake: Scores) -> Float[Tensor, ""]:
        """Return what the generator minimises, given the scores of what it made."""

    def penalty(self, discriminator: Any, batch: Batch) -> Float[Tensor, ""] | None:
        """Return what the discriminator minimises beside its loss, if anything."""
        return None

    def initialize(self, network: nn.Module) -> nn.Module:
        """Give a new network its first weights, if not torch's."""
        return network

    def build(self) -> dict[str, Learner]:
        config = self.config
        normalization = config.generator_normalization
        decoder = decoder_of(config.latent_size + self.conditions, self.shape, config, normalization)
        squash = nn.Tanh() if self.makes_images else nn.Identity()
        generator = self.initialize(Generator(decoder, squash, self.conditions))
        judge: Any = self.initialize(Discriminator(encoder_of(self.shape, config), self.conditions))  # pyright: ignore
        if config.spectral_norm:
            normalize_spectrally(judge)
        rate = config.discriminator_learning_rate or config.learning_rate
        discriminator = Learner(judge, self._judge, replace(config, learning_rate=rate))
        opponent = frozen(discriminator)
        of_maker = partial(_maker_loss, opponent=opponent, loss=self.generator_loss)
        maker = Learner(generator, of_maker, config)
        self.average = TargetNetwork(maker) if config.generator_average else None
        if self.average:
            self.average.module.eval()
        return {"generator": maker, "discriminator": discriminator}

    def components(self) -> dict[str, Stateful]:
        return {**super().components(), **({"average": self.average.module} if self.average else {})}

    def train_step(self, batches: Sequence[Batch]) -> None:
        """Take a step of the discriminator, and, after enough of them, one of the generator."""
        maker, judge = self.learners["generator"], self.learners["discriminator"]
        judge.step(*(self._with_fakes(self.augment(batch)) for batch in batches))
        if (self.step + 1) % self.config.n_critic == 0:
            maker.step(*(self._with_noise(batch) for batch in batches))
            if self.average:
                # Young averages are of few steps, or they would be of the first weights.
                self.average.update(max(1 - self.config.generator_average, 9 / (10 + maker.optimizer.steps)))

    def forward_pass(self, name: str, batch: Batch) -> None:
        batch = self._with_fakes(batch)
        self.learners[name].module(batch["noise" if name == "generator" else "real"], batch.get(LABEL))

    def compute_metrics(self, subset: Subset) -> dict[str, float]:
        """Return how well the discriminator tells the rows from as many that are made: no measure of the samples."""
        judge = self.learners["discriminator"].module
        right, rows = 0.0, 0
        for batch in subset.batches(256):
            batch = self._with_fakes(batch)
            real = judge(batch["real"], batch.get(LABEL))
            fake = judge(batch["fake"], batch.get(LABEL))
            right += (real.mean() - fake.mean()).item() * len(real)
            rows += len(real)
        return {"score_gap": right / rows}

    def draw_codes(self, count: int) -> Latent:
        return torch.randn(count, self.config.latent_size, device=self.device)

    def decode(self, latent: Latent, label: Label = None) -> Rows:
        generator: Any = self.average.module if self.average else self.learners["generator"].module
        made = generator(latent, label)
        return (made + 1) / 2 if self.makes_images else made

    def _judge(self, module: Any, batch: Batch) -> tuple[Tensor, Metrics]:
        label = batch.get(LABEL)
        real, fake = module(batch["real"], label), module(batch["fake"], label)
        loss = self.discriminator_loss(real, fake)
        metrics = {"loss": loss.detach(), "real": real.detach().mean(), "fake": fake.detach().mean()}
        penalty = self.penalty(module, batch)
        if penalty is not None:
            loss, metrics["penalty"] = loss + penalty, penalty.detach()
        if self.config.r1:
            r1 = r1_penalty(module, batch["real"], label)
            loss, metrics["r1"] = loss + self.config.r1 * r1, r1.detach()
        return loss, metrics

    @torch.no_grad()
    def _with_fakes(self, batch: Batch) -> Batch:
        """Return real rows, as many made ones of the same classes, and random numbers for what lies between."""
        real = 2 * self.rows(batch) - 1 if self.makes_images else self.rows(batch)
        noisy = self._with_noise(batch)
        maker = self.learners["generator"]
        with maker.arithmetic():
            fake = maker.module(noisy["noise"], noisy.get(LABEL)).to(real.dtype)
        share = torch.rand(len(real), *[1] * (real.ndim - 1), device=real.device)
        return {**noisy, "real": real, "fake": fake, "share": share}

    def _with_noise(self, batch: Batch) -> Batch:
        label = {LABEL: batch[LABEL]} if self.conditions else {}
        return {"noise": self.draw_codes(len(next(iter(batch.values())))), **label}


def _maker_loss(module: Any, batch: Batch, opponent: Any, loss: Any) -> tuple[Tensor, Metrics]:
    label = batch.get(LABEL)
    value = loss(opponent(module(batch["noise"], label), label))
    return value, {"loss": value.detach()}
