"""The losses of generative models, held to what can be worked out by hand."""

import math

import pytest
import torch
from torch import nn

from sandlot.generative.adversarial.base import r1_penalty
from sandlot.generative.adversarial.gan import log_loss, minimax_loss, non_saturating_loss
from sandlot.generative.adversarial.hinge_gan import hinge_loss
from sandlot.generative.adversarial.wgan_gp import critic_loss, gradient_penalty
from sandlot.generative.autoencoders.ae import contractive_penalty, sparsity_penalty
from sandlot.generative.autoencoders.code_prior import CodePrior
from sandlot.generative.autoencoders.dae import corrupt
from sandlot.generative.autoencoders.deterministic import AutoencoderNetwork
from sandlot.generative.autoencoders.vae import (
    VariationalAutoencoder,
    elbo,
    gaussian_kl,
    importance_weighted_bound,
    reparameterize,
)
from sandlot.generative.autoencoders.vq_vae import commitment_loss
from sandlot.supervised.networks import Flat, Quantizer

GENERATOR = torch.Generator().manual_seed(0)


class TestVariational:
    def test_the_divergence_is_the_closed_form_of_torch(self):
        mean, log_variance = torch.randn(2, 5, 3, generator=GENERATOR)
        code = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
        expected = torch.distributions.kl_divergence(code, torch.distributions.Normal(0.0, 1.0)).sum(-1)
        torch.testing.assert_close(gaussian_kl(mean, log_variance), expected)

    def test_noise_becomes_codes_of_the_right_spread(self):
        noise = torch.randn(50_000, 1, generator=GENERATOR)
        codes = reparameterize(torch.full_like(noise, 3.0), torch.full_like(noise, math.log(4.0)), noise)
        assert codes.mean() == pytest.approx(3.0, abs=0.03)
        assert codes.std() == pytest.approx(2.0, abs=0.03)

    def test_likelihoods_are_those_of_torch(self):
        x, output = torch.rand(4, 6, generator=GENERATOR), torch.randn(4, 6, generator=GENERATOR)
        binary = VariationalAutoencoder(Flat(6), 2, lambda size: nn.Linear(size, 6), gaussian=False)
        expected = torch.distributions.Bernoulli(logits=output).log_prob(x.round()).sum(1)
        torch.testing.assert_close(binary.log_likelihood(x.round(), output), expected)
        normal = VariationalAutoencoder(Flat(6), 2, lambda size: nn.Linear(size, 6), gaussian=True)
        normal.log_std.data.fill_(-0.7)
        expected = torch.distributions.Normal(output, math.exp(-0.7)).log_prob(x).sum(1)
        torch.testing.assert_close(normal.log_likelihood(x, output), expected)

    def test_bounds_rise_to_the_likelihood_of_a_linear_model(self):
        """With x = z + noise, everything is normal: log p(x) is known."""
        module = VariationalAutoencoder(Flat(1), 1, lambda size: nn.Linear(size, 1), gaussian=True)
        with torch.no_grad():
            module.log_std.zero_()
            module.decoder.weight.fill_(1.0), module.decoder.bias.zero_()
            module.to_moments.weight.copy_(torch.tensor([[0.3], [0.0]])), module.to_moments.bias.zero_()
        torch.manual_seed(0)
        x = torch.linspace(-2, 2, 5)[:, None].repeat(400, 1)
        truth = torch.distributions.Normal(0.0, math.sqrt(2.0)).log_prob(x[:, 0]).mean().item()
        batch = {"x": x, "noise": torch.randn(len(x), 1)}
        with torch.no_grad():
            log_likelihood, kl = elbo(module, batch)
            bounds = [importance_weighted_bound(module, batch, samples).mean().item() for samples in (1, 10, 200)]
        assert (log_likelihood - kl).mean().item() == pytest.approx(bounds[0], abs=0.1)
        assert bounds[0] < bounds[1] < bounds[2]
        assert bounds[2] == pytest.approx(truth, abs=0.02)


class TestCodes:
    def test_sparsity_is_the_divergence_of_coins(self):
        latent = torch.tensor([[0.5, 0.05], [0.5, 0.05]])
        expected = 0.05 * math.log(0.05 / 0.5) + 0.95 * math.log(0.95 / 0.5)
        assert sparsity_penalty(latent, 0.05) == pytest.approx(expected, rel=1e-5)

    def test_contraction_of_a_linear_encoder_is_the_norm_of_its_weights(self):
        weights = torch.randn(3, 4, generator=GENERATOR)
        x = torch.randn(20_000, 4, generator=GENERATOR).requires_grad_()
        penalty = contractive_penalty(x, x @ weights.T, torch.randn(20_000, 3, generator=GENERATOR))
        assert penalty == pytest.approx(weights.square().sum().item(), rel=0.03)

    def test_corruption(self):
        x, noise = torch.full((1, 4), 0.5), torch.tensor([[0.0, 0.15, 0.25, 0.9]])
        assert corrupt(x, "masking", 0.2, noise).tolist() == [[0.0, 0.0, 0.5, 0.5]]
        assert corrupt(x, "salt-and-pepper", 0.2, noise).tolist() == [[0.0, 1.0, 0.5, 0.5]]
        torch.testing.assert_close(corrupt(x, "gaussian", 2.0, noise), x + 2 * noise)

    def test_codes_are_drawn_like_those_that_were_noted(self):
        module = AutoencoderNetwork(Flat(2), 2, nn.Identity(), nn.Identity(), nn.Identity())
        codes = torch.randn(4000, 2, generator=GENERATOR) @ torch.tensor([[2.0, 1.0], [0.0, 0.5]]) + 5
        for _ in range(1500):
            module.note(codes)
        torch.manual_seed(0)
        drawn = module.draw(20_000)
        torch.testing.assert_close(drawn.mean(0), codes.mean(0), atol=0.1, rtol=0)
        torch.testing.assert_close(drawn.T.cov(), codes.T.cov(), atol=0.2, rtol=0)


class TestVocabulary:
    def test_the_nearest_word_and_its_move(self):
        quantizer = Quantizer(2, 2, decay=0.5)
        quantizer.words.copy_(torch.tensor([[0.0, 0.0], [10.0, 10.0]]))
        quantizer.sums.copy_(quantizer.words * 2), quantizer.counts.fill_(2.0)
        vectors = torch.tensor([[1.0, 1.0], [9.0, 9.0], [1.0, 3.0]])
        codes = quantizer(vectors)
        assert codes.tolist() == [0, 1, 0]
        quantizer.update(vectors, codes)
        # Half the old (0, 0) twice, half the new (1, 1) and (1, 3): a mean of (0.5, 1).
        torch.testing.assert_close(quantizer.words, torch.tensor([[0.5, 1.0], [29 / 3, 29 / 3]]))

    def test_a_word_that_nobody_uses_gets_a_new_meaning(self):
        quantizer = Quantizer(3, 1, decay=0.0)
        quantizer.words.copy_(torch.tensor([[0.0], [1.0], [100.0]]))
        vectors = torch.tensor([[0.0], [1.0], [2.0]])
        quantizer.update(vectors, quantizer(vectors))
        assert quantizer.words[2].item() in (0.0, 1.0, 2.0)

    def test_commitment_moves_the_code_alone(self):
        latent, word = torch.ones(1, 1, 1, 1, requires_grad=True), torch.zeros(1, 1, 1, 1, requires_grad=True)
        commitment_loss(latent, word).backward()
        assert (latent.grad.item(), word.grad) == (2.0, None)

    def test_a_word_is_told_by_those_before_it_alone(self):
        torch.manual_seed(0)
        prior = CodePrior(words=5, length=6, size=8)
        codes = torch.randint(5, (2, 6))
        changed = codes.clone()
        changed[:, 3] = (changed[:, 3] + 1) % 5
        before, after = prior(codes), prior(changed)
        torch.testing.assert_close(before[:4], after[:4])
        assert not torch.allclose(before[4:], after[4:])


class TestAdversarial:
    def test_the_best_discriminator_of_two_known_distributions(self):
        """Its score is the log-ratio of the densities (Goodfellow et al., 2014, proposition 1), and its loss known."""
        real_share, fake_share = torch.tensor([0.7, 0.3]), torch.tensor([0.2, 0.8])
        score = (real_share / fake_share).log().requires_grad_()
        real = torch.arange(2).repeat_interleave((real_share * 10).long())
        fake = torch.arange(2).repeat_interleave((fake_share * 10).long())
        loss = log_loss(score[real], score[fake])
        loss.backward()
        torch.testing.assert_close(score.grad, torch.zeros(2), atol=1e-6, rtol=0)
        mixed = (real_share + fake_share) / 2
        divergence = 0.5 * sum((share * (share / mixed).log()).sum() for share in (real_share, fake_share))
        assert loss.item() == pytest.approx(2 * math.log(2) - 2 * divergence.item(), abs=1e-4)

    def test_losses_by_hand(self):
        real, fake = torch.tensor([2.0, 0.0]), torch.tensor([-3.0, 1.0])
        assert critic_loss(real, fake) == pytest.approx(-2.0)
        assert hinge_loss(real, fake) == pytest.approx(0.5 + 1.0)
        zero = torch.zeros(3)
        assert log_loss(zero, zero) == pytest.approx(2 * math.log(2))
        assert non_saturating_loss(zero) == pytest.approx(math.log(2))
        assert minimax_loss(zero) == pytest.approx(-math.log(2))

    def test_a_smoothed_label_is_best_met_by_its_odds(self):
        score = torch.tensor([math.log(0.9 / 0.1)], requires_grad=True)
        log_loss(score, torch.tensor([-100.0]), smoothing=0.1).backward()
        assert score.grad.item() == pytest.approx(0.0, abs=1e-6)

    def test_penalties_of_a_linear_critic(self):
        critic = nn.Linear(2, 1)
        critic.weight.data.copy_(torch.tensor([[3.0, 4.0]]))
        rows = torch.randn(7, 2, generator=GENERATOR)

        def score(x, _):
            return critic(x).squeeze(-1)

        assert gradient_penalty(score, rows, -rows, torch.rand(7, 1), None).item() == pytest.approx((5.0 - 1) ** 2)
        penalty = r1_penalty(score, rows, None)
        assert penalty.item() == pytest.approx(0.5 * 25.0)
        penalty.backward()
        torch.testing.assert_close(critic.weight.grad, torch.tensor([[3.0, 4.0]]))
