"""scikit-learn's learners in our record."""

from importlib import import_module

import numpy as np
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sandlot.supervised import BASELINES, Classifier
from sandlot.supervised.data import load_frame
from sandlot.supervised.targets import ClassTarget, NumberTarget
from sandlot.supervised.tasks.sklearn_io import estimator_from_bytes, estimator_to_bytes
from sandlot.supervised.tasks.sklearn_models import SKLEARN_MODELS, sklearn_task
from sandlot.tracking import SandlotError
from tests.supervised.datasets import reviews

pytestmark = pytest.mark.shapes

FEW = {"random-forest": '{"n_estimators": 20}', "random-forest-regressor": '{"n_estimators": 20}',
       "gradient-boosting": '{"max_iter": 5}', "gradient-boosting-regressor": '{"max_iter": 20}'}  # fmt: skip


def test_baselines_list_all_models():
    assert [f"sklearn:{name}" for name in SKLEARN_MODELS] == list(BASELINES)


@pytest.mark.parametrize("name", SKLEARN_MODELS)
def test_model_learns_and_reloads(name, tmp_path):
    classes = SKLEARN_MODELS[name][0] is ClassTarget
    kind, data = sklearn_task(f"sklearn:{name}"), load_frame("wine" if classes else "diabetes")
    task = kind(data, seed=1, options=FEW.get(name, "{}")).learn()
    measures = task.evaluate()
    assert measures["accuracy"] > 0.8 if classes else measures["r2"] > 0.2
    task.save(tmp_path / "task")
    again = kind.load(tmp_path / "task", data)
    assert again.evaluate() == measures
    assert again.predict(data.take(np.arange(3))) == task.predict(data.take(np.arange(3)))


def test_split_and_encoding_equal_those_of_a_network():
    data = load_frame("wine")
    ours, theirs = Classifier(data, seed=3), sklearn_task("sklearn:svm")(data, seed=3)
    assert (ours.split.assignment == theirs.split.assignment).all()
    assert torch.equal(ours.columns["table"], theirs.columns["table"])


def test_text_classification_by_token_counts():
    task = sklearn_task("sklearn:logistic-regression")(reviews(), vocab_size=300).learn()
    assert task.evaluate()["accuracy"] > 0.9


@pytest.mark.parametrize("kind", [RandomForestClassifier, HistGradientBoostingClassifier])
def test_trees_with_indices_out_of_range_raise(kind):
    inputs = np.random.default_rng(0).normal(size=(60, 3))
    model = kind().set_params(**({"n_estimators": 2} if kind is RandomForestClassifier else {"max_iter": 2}))
    model.fit(inputs, inputs[:, 0] > 0)
    estimator_from_bytes(estimator_to_bytes(model))
    if kind is RandomForestClassifier:
        model.estimators_[0].tree_.feature[0] = 99
    else:
        model._predictors[0][0].nodes["left"][0] = 99
    with pytest.raises(SandlotError, match="the trees of this model have indices out of range"):
        estimator_from_bytes(estimator_to_bytes(model))


def fitted(name, **options):
    """A small model of the kind `name`, of four inputs."""
    target, module, kind, ours = SKLEARN_MODELS[name]
    inputs = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    model = getattr(import_module(f"sklearn.{module}"), kind)(**ours | options)
    return model.fit(inputs, inputs[:, 0] if target is NumberTarget else inputs[:, 0] > 0)


def forest():
    return fitted("random-forest", n_estimators=2)


@pytest.mark.parametrize("damage", ["child", "own child", "earlier child", "feature", "inputs"])
def test_damaged_trees_raise(damage):
    model = forest()
    tree = model.estimators_[1].tree_
    match damage:
        case "child":
            tree.children_right[0] = 10**8
        case "own child":
            tree.children_left[0] = 0
        case "earlier child":
            inner = np.flatnonzero(tree.children_left != -1)[-1]
            tree.children_left[inner] = 0
        case "feature":
            tree.feature[0] = 4
        case "inputs":
            model.n_features_in_ = 3
    with pytest.raises(SandlotError, match=r"out of range|damaged"):
        estimator_from_bytes(estimator_to_bytes(model))


def test_only_our_own_estimators_load():
    trees = forest().estimators_[0]
    stage = fitted("gradient-boosting", max_iter=2)._predictors[0][0]
    hidden = forest()
    hidden.more = [make_pipeline(StandardScaler())]
    pipeline = make_pipeline(StandardScaler(), forest())
    for model in (trees, trees.tree_, stage, pipeline, [forest()], hidden, LinearRegression()):
        with pytest.raises(SandlotError, match="not a model that Sandlot saved"):
            estimator_from_bytes(estimator_to_bytes(model))
    with pytest.raises(SandlotError, match="it is a RandomForestClassifier"):
        estimator_from_bytes(estimator_to_bytes(forest()), "SVC")
    for data in (b"", b"PK", estimator_to_bytes(forest())[:-100]):
        with pytest.raises(SandlotError, match="not a model that Sandlot saved"):
            estimator_from_bytes(data)


def test_trees_in_other_places_are_looked_at():
    model = forest()
    model.more = {"one": [forest().estimators_[0]]}
    model.more["one"][0].tree_.children_left[0] = 10**8
    with pytest.raises(SandlotError, match="out of range"):
        estimator_from_bytes(estimator_to_bytes(model))


@pytest.mark.parametrize(
    ("name", "attribute", "value"),
    [
        ("svm", "_n_support", np.array([10**6, 10**6], np.int32)),
        ("svm", "_n_support", np.array([-5, 5], np.int32)),
        ("svm", "support_vectors_", np.zeros((2, 4))),
        ("svm", "_dual_coef_", np.zeros((1, 1))),
        ("svm", "_intercept_", np.zeros(0)),
        ("svm", "kernel", "precomputed"),
        ("svm", "_sparse", True),
        ("svm-regressor", "_n_support", np.array([10**6], np.int32)),
        ("k-means", "cluster_centers_", np.zeros((8, 3), np.float32)),
        ("nearest-neighbours", "_y", np.full(60, 10**8)),
        ("nearest-neighbours", "_fit_X", np.zeros((60, 3), np.float32)),
        ("nearest-neighbours", "n_neighbors", 10**9),
    ],
)
def test_arrays_that_do_not_fit_each_other_raise(name, attribute, value):
    model = fitted(name)
    setattr(model, attribute, value)
    with pytest.raises(SandlotError, match="damaged"):
        estimator_from_bytes(estimator_to_bytes(model))


@pytest.mark.parametrize("name", SKLEARN_MODELS)
def test_what_is_ours_loads(name):
    model = fitted(name, **{"n_estimators": 3} if "forest" in name else {"max_iter": 3} if "boosting" in name else {})
    rows = np.random.default_rng(1).normal(size=(9, 4)).astype(np.float32)
    np.testing.assert_array_equal(estimator_from_bytes(estimator_to_bytes(model)).predict(rows), model.predict(rows))


def test_unknown_option_raises():
    with pytest.raises(SandlotError, match=r"--options: .*unexpected keyword argument 'depth'"):
        sklearn_task("sklearn:svm")("wine", options='{"depth": 3}')
    with pytest.raises(SandlotError, match="--options must be JSON"):
        sklearn_task("sklearn:svm")("wine", options="C=3")
