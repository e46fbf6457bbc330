"""Autoencoders: penalties by closed forms, and what they do to codes."""

import math

import pytest
import torch
from torch import nn

from sandlot.generative import AE, DAE
from sandlot.generative.autoencoders.ae import contractive_penalty, sparsity_penalty
from sandlot.generative.autoencoders.dae import corrupt
from sandlot.generative.autoencoders.networks import CodeDistribution
from tests.generative.datasets import QUICK, corners, small_model

pytestmark = pytest.mark.shapes
GENERATOR = torch.Generator().manual_seed(0)


def test_sparsity_penalty_is_the_kl_divergence_of_bernoullis():
    latent = torch.tensor([[0.5, 0.05], [0.5, 0.05]])
    expected = 0.05 * math.log(0.05 / 0.5) + 0.95 * math.log(0.95 / 0.5)
    assert sparsity_penalty(latent, 0.05) == pytest.approx(expected, rel=1e-5)


def test_contractive_penalty_of_a_linear_encoder_is_the_norm_of_its_weights():
    weights = torch.randn(3, 4, generator=GENERATOR)
    x = torch.randn(20_000, 4, generator=GENERATOR).requires_grad_()
    penalty = contractive_penalty(x, x @ weights.T, torch.randn(20_000, 3, generator=GENERATOR))
    assert penalty == pytest.approx(weights.square().sum().item(), rel=0.03)


def test_corruption():
    x, noise = torch.full((1, 4), 0.5), torch.tensor([[0.0, 0.15, 0.25, 0.9]])
    assert corrupt(x, "masking", 0.2, noise).tolist() == [[0.0, 0.0, 0.5, 0.5]]
    assert corrupt(x, "salt-and-pepper", 0.2, noise).tolist() == [[0.0, 1.0, 0.5, 0.5]]
    torch.testing.assert_close(corrupt(x, "gaussian", 2.0, noise), x + 2 * noise)


def test_codes_are_sampled_with_the_moments_of_those_seen():
    distribution = CodeDistribution(2)
    codes = torch.randn(4000, 2, generator=GENERATOR) @ torch.tensor([[2.0, 1.0], [0.0, 0.5]]) + 5
    distribution.fit(codes, seed=0)
    torch.testing.assert_close(distribution.mean, codes.mean(0), atol=1e-3, rtol=0)
    torch.testing.assert_close(distribution.covariance, codes.T.cov(), atol=2e-3, rtol=1e-3)
    torch.manual_seed(0)
    sampled = distribution.sample(20_000)
    torch.testing.assert_close(sampled.mean(0), codes.mean(0), atol=0.1, rtol=0)
    torch.testing.assert_close(sampled.T.cov(), codes.T.cov(), atol=0.2, rtol=0)


@pytest.mark.parametrize("kind", [AE, DAE])
def test_two_dimensions_are_enough_for_a_plane(kind):
    model = kind(corners(), seed=1, **QUICK, latent_size=2, hidden=(64,), epochs=40, learning_rate=3e-3)
    assert model.learn().evaluate()["loss"] < (0.02 if kind is AE else 0.3)


def test_the_sparsity_penalty_makes_codes_sparser():
    activations = []
    for sparsity in (1e-3, 20.0):
        model = small_model("ae", sparsity=sparsity, epochs=12, learning_rate=3e-3).learn()
        with torch.no_grad():
            activations.append(model.embed(model.fixed_batch("train", 64)).mean().item())
    assert activations[1] < 0.12 < activations[0]


def test_the_contractive_penalty_makes_codes_change_less():
    changes = []
    for contraction in (0.0, 3.0):
        model = small_model("ae", contraction=contraction, epochs=6).learn()
        x = model.inputs(model.fixed_batch("train", 16))
        with torch.no_grad():
            step = 1e-2 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
            change = model.network.encode(x + step) - model.network.encode(x)
            changes.append(change.norm().item())
    assert changes[1] < 0.7 * changes[0]


def test_steps_with_the_contractive_penalty_are_not_compiled():
    assert small_model("ae").network.compiles
    assert not small_model("ae", contraction=0.1).network.compiles
    assert isinstance(small_model("ae", sparsity=0.1).network.code_activation, nn.Sigmoid)
