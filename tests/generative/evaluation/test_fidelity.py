"""FID, KID, precision and recall where they can be worked out."""

import warnings

import numpy as np
import pytest
import torch

from sandlot.generative.evaluation.fidelity import ClassifierFeatures, FileFeatures, measure_fidelity
from sandlot.generative.evaluation.metrics import coverage, density, fid, fidelity_intervals, kid, precision, recall
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
    classifier = Classifier(bars(), seed=0, **QUICK, network="mlp", hidden=(8,), epochs=1).learn()
    extractor = ClassifierFeatures(classifier)
    report = measure_fidelity(small_model("gan"), extractor, 1000)
    assert report.rows == 16
    assert report.model.fid > report.reference.fid
    assert sum(report.class_shares.values()) == pytest.approx(1.0)
    with pytest.raises(SandlotError, match="reads images of shape"):
        measure_fidelity(small_model("gan"), ClassifierFeatures(Classifier(bars(size=6), network="mlp")), 1000)


def test_density_and_coverage_of_separate_and_equal_sets():
    real = torch.randn(300, 2, generator=GENERATOR)
    other = torch.randn(300, 2, generator=GENERATOR)
    assert density(real, other) == pytest.approx(1.0, abs=0.15)
    assert coverage(real, other) > 0.9
    assert density(real, real + 100) == coverage(real, real + 100) == 0.0
    assert coverage(real, real[:1].repeat(300, 1)) < 0.05


def test_intervals_hold_the_true_distance():
    held = 0
    for _ in range(20):
        first = torch.randn(400, 2, generator=GENERATOR, dtype=torch.float64)
        second = torch.randn(400, 2, generator=GENERATOR, dtype=torch.float64) + torch.tensor([3.0, 0.0])
        low, high = fidelity_intervals(first, second)["fid"]
        held += low < 9.0 < high
        assert high - low < 4
    assert held >= 16


def test_features_of_a_file(tmp_path):
    class Means(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.float().flatten(2).mean(2)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(Means(), torch.zeros(2, 3, 8, 8, dtype=torch.uint8)).save(str(tmp_path / "means.pt"))
    report = measure_fidelity(small_model("gan"), FileFeatures(tmp_path / "means.pt"), 1000)
    assert report.rows == 16
    assert report.class_shares == {}
    (tmp_path / "no.pt").write_text("nothing")
    with pytest.raises(SandlotError, match="must be a TorchScript file"):
        FileFeatures(tmp_path / "no.pt")
