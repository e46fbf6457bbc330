"""FID, KID, precision and recall where they can be worked out."""

import numpy as np
import pytest
import torch

from sandlot.generative.evaluation.fidelity import fid, kid, measure_fidelity, precision, recall
from sandlot.supervised import Classifier
from sandlot.tracking import SandlotError
from tests.generative.datasets import QUICK, bars, small_model

pytestmark = pytest.mark.shapes
GENERATOR = torch.Generator().manual_seed(0)


def normal(rows, mean, std):
    noise = torch.randn(rows, len(mean), generator=GENERATOR, dtype=torch.float64)
    noise = (noise - noise.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(noise.T.cov())).T
    return noise * torch.tensor(std) + torch.tensor(mean)


def test_fid_of_known_gaussians():
    first, second = normal(500, [0.0, 1.0], [1.0, 2.0]), normal(400, [3.0, 1.0], [1.0, 5.0])
    assert fid(first, second) == pytest.approx(9.0 + (5.0 - 2.0) ** 2, rel=1e-6)
    assert fid(first, first) == pytest.approx(0.0, abs=1e-6)


def test_fid_of_dependent_features_equals_scipy():
    import scipy.linalg

    first = torch.randn(300, 4, generator=GENERATOR, dtype=torch.float64)
    second = torch.randn(300, 4, generator=GENERATOR, dtype=torch.float64) @ torch.randn(
        4, 4, generator=GENERATOR, dtype=torch.float64
    )
    a, b = np.cov(first.numpy().T), np.cov(second.numpy().T)
    root = scipy.linalg.sqrtm(a @ b)
    expected = (first.mean(0) - second.mean(0)).square().sum().item() + np.trace(a + b - 2 * root.real)
    assert fid(first, second) == pytest.approx(expected, rel=1e-6)


def test_kid_by_hand():
    first, second = torch.tensor([[1.0], [2.0]]).double(), torch.tensor([[0.0], [3.0]]).double()
    within = [(1 * 2 + 1) ** 3, (0 * 3 + 1) ** 3]
    across = np.mean([(x * y + 1) ** 3 for x in (1, 2) for y in (0, 3)])
    assert kid(first, second) == pytest.approx(sum(within) - 2 * across)


def test_precision_and_recall_of_separate_and_equal_sets():
    real = torch.randn(200, 2, generator=GENERATOR)
    assert precision(real, real) == recall(real, real) == 1.0
    assert precision(real, real + 100) == recall(real, real + 100) == 0.0
    half = torch.cat([real[:100], real[:100] + 100])
    assert precision(real, half) == pytest.approx(0.5)
    assert recall(half, real) == pytest.approx(0.5)


def test_a_model_is_measured_beside_training_images():
    extractor = Classifier(bars(), seed=0, **QUICK, network="mlp", hidden=(8,), epochs=1).learn()
    report = measure_fidelity(small_model("gan"), extractor, 1000)
    assert report.rows == 16
    assert report.model.fid > report.reference.fid
    assert sum(report.class_shares.values()) == pytest.approx(1.0)
    with pytest.raises(SandlotError, match="reads images of shape"):
        measure_fidelity(small_model("gan"), Classifier(bars(size=6), network="mlp"), 1000)
