"""The Wasserstein GAN: losses by hand, its schedule of steps, and learning."""

import pytest
import torch
from torch import nn

from sandlot.generative import WGANGP
from sandlot.generative.adversarial.wgan_gp import critic_loss, gradient_penalty
from sandlot.tracking import SandlotError
from tests.generative.datasets import QUICK, corner_shares, corners, samples, small_model


@pytest.mark.shapes
def test_the_critic_loss_by_hand():
    assert critic_loss(torch.tensor([2.0, 0.0]), torch.tensor([-3.0, 1.0])) == pytest.approx(-2.0)


@pytest.mark.shapes
def test_the_gradient_penalty_of_a_linear_critic():
    critic = nn.Linear(2, 1)
    critic.weight.data.copy_(torch.tensor([[3.0, 4.0]]))
    rows = torch.randn(7, 2, generator=torch.Generator().manual_seed(0))
    penalty = gradient_penalty(lambda x, _: critic(x).squeeze(-1), rows, -rows, torch.rand(7, 1), None)
    assert penalty.item() == pytest.approx((5.0 - 1) ** 2)


@pytest.mark.shapes
def test_the_generator_takes_a_step_after_those_of_the_critic():
    model = small_model("wgan-gp", n_critic=3)
    loader, pair = model.loader(), model.pair
    before = pair.generator.flat.clone()
    moved = []
    for step in range(3):
        model.train_step(loader.pieces(step, 1))
        model.step += 1
        moved.append(not torch.equal(pair.generator.flat, before))
    assert moved == [False, False, True]
    assert pair.discriminator.optimizer.steps == 3


def test_samples_cover_all_corners_and_without_the_penalty_they_do_not():
    options = QUICK | {"network": "mlp", "hidden": (64, 64), "latent_size": 4, "learning_rate": 2e-3,
                       "n_critic": 2, "generator_average": 0.98}  # fmt: skip
    shares = {}
    for weight in (0.3, 0.0):
        model = WGANGP(corners(), seed=1, **options, penalty_weight=weight, epochs=60)
        try:
            shares[weight] = corner_shares(samples(model.learn(), 500))
        except SandlotError:
            shares[weight] = [0.0]
    assert min(shares[0.3]) > 0.08
    assert sum(shares[0.3]) > 0.45
    assert sum(shares[0.0]) < sum(shares[0.3]) - 0.2
