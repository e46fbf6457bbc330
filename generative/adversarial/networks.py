"""The generator and the discriminator of a GAN, and the R1 penalty."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.generative.base import Label, Latent, Rows
from sandlot.generative.networks import build_decoder, build_encoder
from sandlot.supervised.networks import Discriminator, apply_spectral_norm, initialize_normal

from .config import AdversarialConfig

Scores = Float[Tensor, "row"]
Scorer = Callable[[Rows, Label], Scores]
"""A discriminator, or any function of rows and labels that scores rows."""


class Generator(nn.Module):
    """Turn noise into rows, of a given class if there are `num_classes`; images have values in [-1, 1]."""

    compiles = False
    """Batch normalization updates its running statistics, so a gradient step can't be compiled whole."""
    captures = True
    """Whether a gradient step can be captured as a CUDA graph."""

    def __init__(self, decoder: nn.Module, output_activation: nn.Module, num_classes: int = 0):
        super().__init__()
        self.decoder, self.output_activation, self.num_classes = decoder, output_activation, num_classes

    def forward(self, noise: Latent, label: Label = None) -> Rows:
        """Return a row for each vector of noise."""
        if self.num_classes:
            assert label is not None
            noise = torch.cat([noise, F.one_hot(label, self.num_classes).to(noise.dtype)], dim=-1)
        return self.output_activation(self.decoder(noise))


def build_generator(
    shape: Sequence[int], config: AdversarialConfig, num_classes: int = 0, *, normal_init: bool = False
) -> Generator:
    """Return a new generator of rows of `shape`, which is an image's if it has three dimensions.

    With `normal_init`, its weights are initialized like DCGAN's.
    """
    decoder = build_decoder(config.latent_size + num_classes, shape, config, config.generator_normalization)
    generator = Generator(decoder, nn.Tanh() if len(shape) == 3 else nn.Identity(), num_classes)
    if normal_init:
        initialize_normal(generator)
    return generator


def build_discriminator(
    shape: Sequence[int], config: AdversarialConfig, num_classes: int = 0, *, normal_init: bool = False
) -> Discriminator:
    """Return a new discriminator of rows of `shape`; with `normal_init`, its weights are initialized like DCGAN's."""
    discriminator = Discriminator(build_encoder(shape, config), num_classes)
    if normal_init:
        initialize_normal(discriminator)
    if config.spectral_norm:
        apply_spectral_norm(discriminator)
    return discriminator


def r1_penalty(discriminator: Scorer, real: Rows, label: Label) -> Float[Tensor, ""]:
    """Return half the mean squared gradient norm of the discriminator at real rows.

    Source: Mescheder et al., "Which training methods for GANs do actually converge?", 2018, equation 9.
    """
    real = real.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(real, label).sum(), real, create_graph=True)
    return 0.5 * gradient.square().flatten(1).sum(1).mean()
