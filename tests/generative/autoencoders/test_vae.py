"""Variational autoencoders: the bound's terms by closed forms, and learning."""

import math

import pytest
import torch
from torch import nn

from sandlot.generative import VAE
from sandlot.generative.autoencoders.vae import (
    VAENetwork,
    elbo,
    gaussian_kl,
    importance_weighted_bound,
    reparameterize,
)
from sandlot.supervised.networks import Flat
from tests.generative.datasets import QUICK, corner_shares, corners, samples, small_model

pytestmark = pytest.mark.shapes
GENERATOR = torch.Generator().manual_seed(0)


def linear_network(size, latent_size, gaussian):
    return VAENetwork(Flat(size), latent_size, lambda input_size: nn.Linear(input_size, size), gaussian=gaussian)


def test_gaussian_kl_equals_torch():
    mean, log_variance = torch.randn(2, 5, 3, generator=GENERATOR)
    posterior = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    expected = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum(-1)
    torch.testing.assert_close(gaussian_kl(mean, log_variance), expected)


def test_reparameterized_noise_has_the_right_moments():
    noise = torch.randn(50_000, 1, generator=GENERATOR)
    latent = reparameterize(torch.full_like(noise, 3.0), torch.full_like(noise, math.log(4.0)), noise)
    assert latent.mean() == pytest.approx(3.0, abs=0.03)
    assert latent.std() == pytest.approx(2.0, abs=0.03)


def test_log_likelihoods_equal_torch():
    x, output = torch.rand(4, 6, generator=GENERATOR), torch.randn(4, 6, generator=GENERATOR)
    expected = torch.distributions.Bernoulli(logits=output).log_prob(x.round()).sum(1)
    torch.testing.assert_close(linear_network(6, 2, False).log_likelihood(x.round(), output), expected)
    gaussian = linear_network(6, 2, True)
    gaussian.log_std.data.fill_(-0.7)
    expected = torch.distributions.Normal(output, math.exp(-0.7)).log_prob(x).sum(1)
    torch.testing.assert_close(gaussian.log_likelihood(x, output), expected)


def test_bounds_rise_to_the_likelihood_of_a_linear_model():
    """With x = z + noise, everything is normal and log p(x) is known."""
    network = linear_network(1, 1, True)
    with torch.no_grad():
        network.log_std.zero_()
        network.decoder.weight.fill_(1.0), network.decoder.bias.zero_()
        network.to_moments.weight.copy_(torch.tensor([[0.3], [0.0]])), network.to_moments.bias.zero_()
    torch.manual_seed(0)
    x = torch.linspace(-2, 2, 5)[:, None].repeat(400, 1)
    truth = torch.distributions.Normal(0.0, math.sqrt(2.0)).log_prob(x[:, 0]).mean().item()
    batch = {"x": x, "noise": torch.randn(len(x), 1)}
    with torch.no_grad():
        log_likelihood, kl = elbo(network, batch)
        bounds = [importance_weighted_bound(network, batch, samples).mean().item() for samples in (1, 10, 200)]
    assert (log_likelihood - kl).mean().item() == pytest.approx(bounds[0], abs=0.1)
    assert bounds[0] < bounds[1] < bounds[2]
    assert bounds[2] == pytest.approx(truth, abs=0.02)


def test_samples_cover_all_corners_and_without_the_kl_divergence_they_do_not():
    near = []
    for beta in (1.0, 0.0):
        model = VAE(corners(), seed=1, **QUICK, latent_size=2, hidden=(64,), epochs=40, beta=beta,
                    learning_rate=3e-3).learn()  # fmt: skip
        near.append(corner_shares(samples(model, 500)))
    assert min(near[0]) > 0.08
    assert sum(near[0]) > 0.5
    assert sum(near[1]) < sum(near[0]) - 0.2


def test_beta_warms_up():
    model = small_model("vae", warm_up=0.5, beta=2.0)
    betas = []
    for progress in (0.0, 0.25, 0.5, 1.0):
        model.anneal(progress)
        betas.append(model.beta)
    assert betas == [0.0, 1.0, 2.0, 2.0]


def test_the_importance_weighted_bound_is_measured_if_asked_for():
    model = small_model("vae", importance_samples=20, epochs=1).learn()
    measures = model.evaluate()
    assert measures["importance_weighted_bound"] > measures["elbo"]


def test_a_conditional_vae_generates_the_class_it_is_asked_for():
    model = VAE(corners(), seed=1, **QUICK, latent_size=2, hidden=(64,), epochs=15, conditional=True,
                learning_rate=3e-3).learn()  # fmt: skip
    for corner in range(4):
        with torch.no_grad():
            generated = model.sample(100, torch.full((100,), corner), mean=True)
        assert corner_shares(generated)[corner] > 0.9
