"""scikit-learn's learners in our record."""

import numpy as np
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from sandlot.supervised import BASELINES, Classifier
from sandlot.supervised.data import load_frame
from sandlot.supervised.targets import ClassTarget
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


def test_unknown_option_raises():
    with pytest.raises(SandlotError, match=r"--options: .*unexpected keyword argument 'depth'"):
        sklearn_task("sklearn:svm")("wine", options='{"depth": 3}')
    with pytest.raises(SandlotError, match="--options must be JSON"):
        sklearn_task("sklearn:svm")("wine", options="C=3")
