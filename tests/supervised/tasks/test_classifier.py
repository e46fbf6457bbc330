"""Classifiers on data small enough to fit in seconds."""

import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sandlot.supervised import Classifier, Regressor, fit
from sandlot.supervised.data import Frame
from sandlot.supervised.tasks.classifier import classification_loss
from sandlot.supervised.tasks.regressor import regression_loss
from sandlot.tracking import SandlotError
from tests.supervised.datasets import SMALL, bar_images, frame_of, overfit_one_batch, reviews

pytestmark = pytest.mark.shapes


@pytest.mark.parametrize("network", ["cnn", "impala", "resnet", "vit", "capsule", "mlp"])
def test_image_networks_overfit_a_batch(network):
    overfit_one_batch(Classifier(bar_images(), network=network, batch_size=8, **SMALL))


@pytest.mark.parametrize("network", ["rnn", "lstm", "gru", "transformer", "mlp"])
def test_text_networks_overfit_a_batch(network):
    overfit_one_batch(Classifier(reviews(), network=network, vocab_size=300, **SMALL))


def test_table_networks_overfit_a_batch():
    data = frame_of(x=list(np.random.default_rng(0).normal(size=60)), city=["Oslo", "Rome", "Bonn"] * 20,
                label=[0, 1, 1] * 20)  # fmt: skip
    overfit_one_batch(Classifier(data, **SMALL))
    overfit_one_batch(Regressor(data, target="x", batch_size=16, columns=("label",), **SMALL), to=1.0)


def test_image_classifier_generalises():
    task = Classifier(bar_images(120), network="cnn", epochs=4, batch_size=16, learning_rate=1e-2).learn()
    assert task.evaluate()["accuracy"] == 1.0
    predictions = task.predict(bar_images(4))
    assert [prediction["label"] for prediction in predictions] == ["0", "1", "0", "1"]
    assert predictions[2]["row"] == "bars, row 3"


def test_text_classifier_generalises():
    task = Classifier(reviews(), network="gru", epochs=8, vocab_size=300, **SMALL).learn()
    assert task.evaluate()["accuracy"] > 0.9
    good, bad = task.predict(frame_of(text=["a lovely film that was superb", "the plot was awful and dull"]))
    assert (good["label"], bad["label"]) == ("good", "bad")


def test_mixup_mixes_the_losses():
    logits, target, other = torch.randn(4, 3), torch.tensor([0, 1, 2, 0]), torch.tensor([1, 1, 0, 2])
    batch = {"target": target, "mixup-target": other, "mixup-weight": torch.tensor(0.3)}
    loss, _ = classification_loss(lambda _: logits, batch, 0.0)
    expected = 0.3 * F.cross_entropy(logits, target) + 0.7 * F.cross_entropy(logits, other)
    torch.testing.assert_close(loss, expected)
    numbers = {"target": target.float(), "mixup-target": other.float(), "mixup-weight": torch.tensor(0.3)}
    loss, _ = regression_loss(lambda _: logits[:, :1], numbers)
    torch.testing.assert_close(
        loss, 0.3 * F.mse_loss(logits[:, 0], target.float()) + 0.7 * F.mse_loss(logits[:, 0], other.float())
    )


def test_label_smoothing_by_hand():
    sure = torch.tensor([[20.0, 0.0]])
    plain, _ = classification_loss(lambda _: sure, {"target": torch.tensor([0])}, 0.0)
    smoothed, _ = classification_loss(lambda _: sure, {"target": torch.tensor([0])}, 0.1)
    assert plain < 1e-6
    assert smoothed == pytest.approx(0.05 * 20, abs=1e-3)


def test_dropout_is_off_in_evaluation():
    task = Classifier(bar_images(), network="mlp", dropout=0.9)
    assert task.evaluate("train") == task.evaluate("train")
    task.train(True)
    batch = task.loader().batch(0)
    network = task.learners["network"].module
    assert not torch.equal(network(batch), network(batch))


def test_preprocessing_is_fitted_to_the_train_split_alone():
    data = frame_of(x=[1.0] * 90 + [1e6] * 10, label=[0, 1] * 50, source_split=np.where(np.arange(100) < 90, -1, 2))
    task = Classifier(data, target="label")
    assert task.metadata["preprocessing"]["scales"]["x"] == [1.0, 1.0]


def test_training_with_augmentation_and_mixup():
    task = Classifier(bar_images(), network="cnn", augment=("crop", "flip"), mixup=0.2, batch_size=16)
    fit(task, 3)
    assert task.step == 3


def test_duplicates_of_test_images_are_dropped_and_those_of_table_rows_kept():
    images = bar_images(rows=20).columns
    given = np.array([-1] * 20 + [2] * 4)
    columns = {name: np.concatenate([column, column[:4]]) for name, column in images.items()}
    task = Classifier(Frame("bars", columns, [("bars", 24)], source_split=given))
    assert task.split.duplicates == 4
    assert not {0, 1, 2, 3} & {*task.split.rows("train"), *task.split.rows("validation")}
    table = frame_of(x=[1.0, 2.0] * 12, label=["a", "b"] * 12, source_split=given)
    assert Classifier(table).split.duplicates == 0


def test_widths_set_the_channels_of_the_cnn():
    network = Classifier(bar_images(), widths=(4, 8)).learners["network"].module
    assert [part.out_channels for part in network.modules() if isinstance(part, torch.nn.Conv2d)] == [4, 4, 8, 8]


def test_text_networks_are_not_compiled():
    with pytest.raises(SandlotError, match="can't be compiled whole"):
        Classifier(reviews(), compile="on").prepare(10)
    Classifier(reviews()).prepare(10**9)


@pytest.mark.slow
@pytest.mark.parametrize("data", ["digits"])
def test_compiled_steps_equal_eager_steps(data):
    # In a process of its own: shape checks at run time can't be compiled. The network for digits notes statistics.
    code = f"""
import numpy as np
from sandlot.supervised import Classifier, fit

compiled, eager = (Classifier("{data}", seed=1, compile=how, batch_size=32, widths=(8, 8)) for how in ("on", "off"))
for task in (compiled, eager):
    fit(task, 6)
for name, value in eager.tensors().items():
    if not name.startswith("random."):
        np.testing.assert_allclose(compiled.tensors()[name], value, atol=1e-4)
print("same")
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "same", result.stderr
