"""The fit loop, on data small enough for hand and eye."""

import numpy as np
import pytest
import torch

from supervised import Classifier
from supervised.fit import fit


def two_clouds(rows=120, seed=0):
    from supervised.data import Frame

    random = np.random.default_rng(seed)
    label = np.arange(rows) % 2
    points = random.normal(size=(rows, 2)) + 4 * label[:, None]
    return Frame("clouds", {"x": points[:, 0], "y": points[:, 1], "label": label}, [("clouds", rows)])


def clouds(**options):
    options = {"target": "label", "hidden": (16,), "batch_size": 16, "epochs": 8, "learning_rate": 1e-2} | options
    return Classifier(two_clouds(), seed=1, **options)


def weights(task):
    return {name: value for name, value in task.tensors().items() if not name.startswith("random.")}


def test_learns_to_tell_two_clouds_apart():
    task = clouds().learn()
    assert task.evaluate("test")["accuracy"] == 1.0
    assert task.best.value == 1.0


def test_same_seed_same_weights_and_another_seed_others():
    first, second, other = clouds().learn(), clouds().learn(), Classifier(two_clouds(), seed=2, target="label").learn(1)
    for name, value in weights(first).items():
        np.testing.assert_array_equal(value, weights(second)[name])
    assert not np.array_equal(first.tensors()["split"], other.tensors()["split"])


def test_what_is_saved_predicts_the_same(tmp_path):
    task = clouds(normalization="batch", dropout=0.3).learn()
    task.save(tmp_path / "task")
    again = Classifier.load(tmp_path / "task", two_clouds())
    assert again.evaluate("test") == task.evaluate("test")
    with pytest.raises(Exception, match="clouds is not what it was"):
        Classifier.load(tmp_path / "task", two_clouds(seed=1))


def test_training_leaves_the_random_numbers_of_others_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    clouds(dropout=0.5).learn(1)
    assert torch.equal(torch.rand(3), expected)


def test_patience_ends_it_and_the_best_is_taken_up():
    task = clouds(learning_rate=10.0, optimizer="sgd", epochs=50, patience=2)
    fit(task)
    assert task.stale == 2
    assert task.step < 50 * task.loader().steps_per_epoch
    assert task.evaluate("validation")["accuracy"] == task.best.value


def test_gradients_of_pieces_are_those_of_the_batch():
    whole, pieces = clouds(), clouds(accumulate=4)
    fit(whole, 3)
    fit(pieces, 3)
    for name, value in weights(whole).items():
        np.testing.assert_allclose(value, weights(pieces)[name], atol=1e-5)
