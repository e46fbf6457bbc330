"""GANs: losses by closed forms, and whose weights a step moves."""

import math

import pytest
import torch
from torch import nn

from sandlot.generative import GAN
from sandlot.generative.adversarial.gan import bce_loss, minimax_loss, non_saturating_loss
from sandlot.generative.adversarial.hinge_gan import hinge_loss
from sandlot.generative.adversarial.networks import r1_penalty
from tests.generative.datasets import bars

pytestmark = pytest.mark.shapes


def test_the_optimal_discriminator_of_two_known_distributions():
    """Its score is the log-ratio of the densities (Goodfellow et al., 2014, proposition 1), and its loss known."""
    real_density, fake_density = torch.tensor([0.7, 0.3]), torch.tensor([0.2, 0.8])
    score = (real_density / fake_density).log().requires_grad_()
    real = torch.arange(2).repeat_interleave((real_density * 10).long())
    fake = torch.arange(2).repeat_interleave((fake_density * 10).long())
    loss = bce_loss(score[real], score[fake])
    loss.backward()
    torch.testing.assert_close(score.grad, torch.zeros(2), atol=1e-6, rtol=0)
    mixture = (real_density + fake_density) / 2
    divergence = 0.5 * sum((density * (density / mixture).log()).sum() for density in (real_density, fake_density))
    assert loss.item() == pytest.approx(2 * math.log(2) - 2 * divergence.item(), abs=1e-4)


def test_losses_by_hand():
    real, fake = torch.tensor([2.0, 0.0]), torch.tensor([-3.0, 1.0])
    assert hinge_loss(real, fake) == pytest.approx(0.5 + 1.0)
    zero = torch.zeros(3)
    assert bce_loss(zero, zero) == pytest.approx(2 * math.log(2))
    assert non_saturating_loss(zero) == pytest.approx(math.log(2))
    assert minimax_loss(zero) == pytest.approx(-math.log(2))


def test_a_smoothed_label_is_best_met_by_its_log_odds():
    score = torch.tensor([math.log(0.9 / 0.1)], requires_grad=True)
    bce_loss(score, torch.tensor([-100.0]), label_smoothing=0.1).backward()
    assert score.grad.item() == pytest.approx(0.0, abs=1e-6)


def test_the_r1_penalty_of_a_linear_discriminator():
    discriminator = nn.Linear(2, 1)
    discriminator.weight.data.copy_(torch.tensor([[3.0, 4.0]]))
    rows = torch.randn(7, 2, generator=torch.Generator().manual_seed(0))
    penalty = r1_penalty(lambda x, _: discriminator(x).squeeze(-1), rows, None)
    assert penalty.item() == pytest.approx(0.5 * 25.0)
    penalty.backward()
    torch.testing.assert_close(discriminator.weight.grad, torch.tensor([[3.0, 4.0]]))


def test_a_generator_step_leaves_the_discriminator_as_it_is():
    model = GAN(bars(), seed=1, hidden=(8,), batch_size=16, r1=1.0)
    pair, batch = model.pair, model.loader().batch(0)
    before = pair.discriminator.flat.clone()
    pair.generator.step(pair.noise_batch(batch))
    torch.testing.assert_close(pair.discriminator.flat, before, rtol=0, atol=0)
    assert pair.discriminator.gradient.abs().sum() == 0
    generator = pair.generator.flat.clone()
    metrics = pair.discriminator.step(pair.real_and_fake(model.inputs(batch), pair.noise_batch(batch)))
    torch.testing.assert_close(pair.generator.flat, generator, rtol=0, atol=0)
    assert not torch.equal(pair.discriminator.flat, before)
    assert metrics["r1_penalty"] >= 0


def test_samples_come_from_the_averaged_generator():
    model = GAN(bars(), seed=1, hidden=(8,), batch_size=16, epochs=1).learn()
    noise = torch.randn(4, model.config.latent_size)
    averaged = (model.pair.average.module(noise) + 1) / 2
    assert torch.equal(model.decode(noise), averaged)
    assert "average" in model.components()
    plain = GAN(bars(), seed=1, hidden=(8,), batch_size=16, generator_average=0.0)
    assert plain.pair.average is None
    assert "average" not in plain.components()
