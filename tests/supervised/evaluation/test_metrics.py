"""Measures, held against scikit-learn's on random predictions, and pictures of them."""

import numpy as np
import pytest
import sklearn.metrics as theirs
import torch
from scipy.stats import binomtest

from sandlot.supervised import Classifier, Regressor
from sandlot.supervised.evaluation.metrics import classification_metrics, regression_metrics
from sandlot.supervised.evaluation.plots import (
    draw_confusion,
    draw_images,
    draw_reliability,
    draw_residuals,
    draw_roc,
    roc,
)
from sandlot.tracking.common.intervals import mean_interval, share_interval

pytestmark = pytest.mark.shapes

CLASSES = ["a", "b", "c", "d"]


def guesses(rows=300, classes=4):
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, classes, (rows,), generator=generator)
    logits = torch.randn(rows, classes, generator=generator)
    logits[torch.arange(rows), labels] += 1
    return logits, labels


def test_classification_metrics_equal_scikit_learns():
    logits, labels = guesses()
    ours, predicted, probabilities = (
        classification_metrics(logits, labels, CLASSES),
        logits.argmax(-1),
        logits.softmax(-1),
    )
    each = theirs.f1_score(labels, predicted, average=None)
    expected = {
        "accuracy": theirs.accuracy_score(labels, predicted),
        "loss": theirs.log_loss(labels, logits.double().softmax(-1)),
        "auroc": theirs.roc_auc_score(
            labels, probabilities.double() / probabilities.double().sum(-1, keepdim=True), multi_class="ovr"
        ),
        "precision": theirs.precision_score(labels, predicted, average="macro"),
        "recall": theirs.recall_score(labels, predicted, average="macro"),
        "f1": each.mean(),
        **{f"f1/{name}": score for name, score in zip(CLASSES, each, strict=True)},
    }
    for name, value in expected.items():
        assert ours[name] == pytest.approx(value, abs=1e-5), name
    assert ours.keys() == {*expected, "calibration_error"}


@pytest.mark.parametrize(("hits", "rows"), [(0, 5), (7, 10), (36, 36), (9_405, 10_000)])
def test_share_interval_is_wilsons(hits, rows):
    expected = binomtest(hits, rows).proportion_ci(method="wilson")
    assert share_interval(hits / rows, rows) == pytest.approx((expected.low, expected.high), abs=1e-4)


def test_mean_interval_has_its_coverage():
    rng = np.random.default_rng(1)
    spans = [mean_interval(rng.exponential(size=80)) for _ in range(80)]
    assert 0.86 < np.mean([low < 1.0 < high for low, high in spans]) < 0.985
    low, high = mean_interval(np.array([2.0, 2.0, 2.0]))
    assert low == high == 2.0


def test_tasks_report_the_interval_of_their_metric():
    classifier = Classifier("wine", epochs=1)
    rows = len(classifier.subset("test"))
    assert classifier.interval(classifier.evaluate()) == share_interval(classifier.evaluate()["accuracy"], rows)
    regressor = Regressor("diabetes", epochs=1)
    measures = regressor.evaluate()
    low, high = regressor.interval(measures) or (0.0, 0.0)
    assert 0 < low < measures["rmse"] < high < 2 * measures["rmse"]


def test_calibration_error_is_the_gap_between_confidence_and_accuracy():
    logits = torch.log(torch.tensor([[0.9, 0.1]])).expand(10, 2)
    labels = torch.tensor([0] * 6 + [1] * 4)
    assert classification_metrics(logits, labels, ["a", "b"])["calibration_error"] == pytest.approx(0.3, abs=1e-5)


def test_classes_without_rows_are_left_out_of_averages():
    logits, labels = guesses(classes=3)
    wide = torch.cat([logits, torch.full((len(logits), 1), -30.0)], 1)
    narrow, whole = (
        classification_metrics(values, labels, CLASSES[: values.shape[1]]) for values in (logits, wide)
    )  # fmt: skip
    for name in ("auroc", "precision", "recall", "f1"):
        assert whole[name] == pytest.approx(narrow[name], abs=1e-5)
    assert "f1/d" not in whole


def test_regression_metrics_equal_scikit_learns():
    target = torch.randn(100, generator=torch.Generator().manual_seed(0))
    prediction = target + 0.3 * torch.randn(100, generator=torch.Generator().manual_seed(1))
    ours = regression_metrics(prediction, target)
    assert ours["mse"] == pytest.approx(theirs.mean_squared_error(target, prediction), abs=1e-5)
    assert ours["rmse"] == pytest.approx(ours["mse"] ** 0.5)
    assert ours["mae"] == pytest.approx(theirs.mean_absolute_error(target, prediction), abs=1e-5)
    assert ours["r2"] == pytest.approx(theirs.r2_score(target, prediction), abs=1e-5)


def test_roc_equals_scikit_learns():
    score = torch.tensor([0.9, 0.8, 0.8, 0.7, 0.3, 0.3, 0.1])
    positive = torch.tensor([True, True, False, True, False, True, False])
    false, true = roc(score, positive)
    expected = theirs.roc_curve(positive, score, drop_intermediate=False)
    np.testing.assert_allclose(false, expected[0], atol=1e-6)
    np.testing.assert_allclose(true, expected[1], atol=1e-6)


def test_plots_for_two_classes_and_for_many(tmp_path):
    for count in (2, 26):
        logits, labels = guesses(classes=count)
        names = [f"class {place}" for place in range(count)]
        draw_confusion(tmp_path / f"confusion{count}.png", logits.argmax(-1), labels, names)
        draw_roc(tmp_path / f"roc{count}.png", logits.softmax(-1), labels, names)
        draw_reliability(tmp_path / f"reliability{count}.png", logits.softmax(-1), labels)
    draw_residuals(tmp_path / "residuals.png", torch.randn(9), torch.randn(9), "x")
    draw_images(tmp_path / "grey.png", 255 * np.random.default_rng(0).random((7, 4, 4, 1)), ["a"] * 7)
    draw_images(tmp_path / "colour.png", 255 * np.random.default_rng(0).random((2, 4, 4, 3)), ["a"] * 2)
    assert len(list(tmp_path.glob("[!.]*.png"))) == 9
