"""VQ-VAEs: the commitment loss, the prior, and the use of the codebook."""

import pytest
import torch

from sandlot.generative.autoencoders.code_prior import CodePrior
from sandlot.generative.autoencoders.vq_vae import commitment_loss
from tests.generative.datasets import small_model

pytestmark = pytest.mark.shapes


def test_the_commitment_loss_moves_the_encoder_alone():
    latent, entry = torch.ones(1, 1, 1, 1, requires_grad=True), torch.zeros(1, 1, 1, 1, requires_grad=True)
    commitment_loss(latent, entry).backward()
    assert (latent.grad.item(), entry.grad) == (2.0, None)


def test_the_prior_of_a_code_depends_on_those_before_it_alone():
    torch.manual_seed(0)
    prior = CodePrior(codebook_size=5, length=6, hidden_size=8)
    codes = torch.randint(5, (2, 6))
    changed = codes.clone()
    changed[:, 3] = (changed[:, 3] + 1) % 5
    before, after = prior(codes), prior(changed)
    torch.testing.assert_close(before[:4], after[:4])
    assert not torch.allclose(before[4:], after[4:])
    assert prior.sample(3).shape == (3, 6)


def test_most_of_the_codebook_is_used():
    measures = small_model("vq-vae", epochs=25, codebook_decay=0.9).learn().evaluate("train")
    assert measures["codebook_usage"] >= 0.7
    assert 1 < measures["codebook_perplexity"] <= 8
