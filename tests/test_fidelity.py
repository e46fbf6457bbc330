"""Measures of what models make, where they can be worked out."""

import math

import numpy as np
import pytest
import torch

from sandlot.generative.evaluation.anomalies import Usual, auroc
from sandlot.generative.evaluation.compression import entropy_bits, quantized
from sandlot.generative.evaluation.fidelity import coverage, frechet_distance, kernel_distance

GENERATOR = torch.Generator().manual_seed(0)


def normal(rows, mean, std):
    noise = torch.randn(rows, len(mean), generator=GENERATOR, dtype=torch.float64)
    noise = (noise - noise.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(noise.T.cov())).T
    return noise * torch.tensor(std) + torch.tensor(mean)


def test_the_frechet_distance_of_known_normal_distributions():
    first, second = normal(500, [0.0, 1.0], [1.0, 2.0]), normal(400, [3.0, 1.0], [1.0, 5.0])
    assert frechet_distance(first, second) == pytest.approx(9.0 + (5.0 - 2.0) ** 2, rel=1e-6)
    assert frechet_distance(first, first) == pytest.approx(0.0, abs=1e-6)


def test_the_frechet_distance_of_dependent_features_is_scipys():
    import scipy.linalg

    first = torch.randn(300, 4, generator=GENERATOR, dtype=torch.float64)
    second = torch.randn(300, 4, generator=GENERATOR, dtype=torch.float64) @ torch.randn(
        4, 4, generator=GENERATOR, dtype=torch.float64
    )
    a, b = np.cov(first.numpy().T), np.cov(second.numpy().T)
    root = scipy.linalg.sqrtm(a @ b)
    expected = (first.mean(0) - second.mean(0)).square().sum().item() + np.trace(a + b - 2 * root.real)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-6)


def test_the_kernel_distance_by_hand():
    first, second = torch.tensor([[1.0], [2.0]]).double(), torch.tensor([[0.0], [3.0]]).double()
    own = [(1 * 2 + 1) ** 3, (0 * 3 + 1) ** 3]
    across = np.mean([(x * y + 1) ** 3 for x in (1, 2) for y in (0, 3)])
    assert kernel_distance(first, second) == pytest.approx(sum(own) - 2 * across)


def test_coverage_of_apart_and_alike():
    first = torch.randn(200, 2, generator=GENERATOR)
    assert coverage(first, first) == 1.0
    assert coverage(first, first + 100) == 0.0
    half = torch.cat([first[:100], first[:100] + 100])
    assert coverage(first, half) == pytest.approx(0.5)


def test_auroc_is_the_share_of_pairs_in_order():
    score = torch.tensor([3.0, 1.0, 2.0, 0.0])
    assert auroc(score, torch.tensor([True, False, False, True])) == pytest.approx(0.5)
    assert auroc(score, torch.tensor([True, False, True, False])) == pytest.approx(1.0)


def test_bits_are_the_entropy_of_each_number():
    places = torch.tensor([[0, 5], [1, 5], [2, 5], [3, 5]])
    assert entropy_bits(places) == pytest.approx(math.log2(4))
    codes = torch.tensor([[0.0], [0.4], [0.6], [9.0]])
    assert quantized(codes, torch.tensor([0.0]), torch.tensor([1.0]), 2).tolist() == [[0], [0], [1], [1]]


class Copier:
    """Keeps the first two numbers of a row; the third is nearly always 0, the fourth is noise."""

    def rows(self, batch):
        return batch["x"]

    def latent(self, batch):
        return batch["x"][:, :2]

    def decode(self, latent, label=None):
        return torch.cat([latent, torch.zeros(len(latent), 2)], 1)


def test_what_is_strange_is_an_unusual_error_or_a_code_far_from_the_known_ones():
    known = torch.randn(2000, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 5.0, 0.1, 2.0])
    usual = Usual(Copier(), {"x": known})
    assert usual.score({"x": known}).mean().item() == pytest.approx(0.0, abs=1e-4)
    cases = torch.tensor([[0.0, 0, 0, 0], [0, 0, 0, 2], [0, 0, 2, 0], [0, 5, 0, 0], [5, 0, 0, 0], [5, 0, 2, 0]])
    typical, noisy, wrong, wide, far, both = usual.score({"x": cases}).tolist()
    assert typical < noisy < wrong
    assert typical < wide < far < both
    assert wrong < both
