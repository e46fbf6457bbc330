"""scikit-learn's learners in our record."""

import numpy as np
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from sandlot.supervised import BASELINES, Classifier
from sandlot.supervised.data import load_frame
from sandlot.supervised.tasks.classification import Classifying
from sandlot.supervised.tasks.sklearn_baselines import ESTIMATORS, baseline
from sandlot.supervised.tasks.sklearn_models import estimator_from_bytes, estimator_to_bytes
from sandlot.tracking import SandlotError
from tests.test_tasks import reviews

FEW = {"random-forest": '{"n_estimators": 20}', "random-forest-regressor": '{"n_estimators": 20}',
       "gradient-boosting": '{"max_iter": 5}', "gradient-boosting-regressor": '{"max_iter": 20}'}  # fmt: skip


def test_the_list_is_the_list():
    assert [f"sklearn:{name}" for name in ESTIMATORS] == list(BASELINES)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_it_learns_and_is_the_same_when_loaded(name, tmp_path):
    classes = ESTIMATORS[name][0] is Classifying
    kind, data = baseline(f"sklearn:{name}"), load_frame("wine" if classes else "diabetes")
    task = kind(data, seed=1, options=FEW.get(name, "{}")).learn()
    measures = task.evaluate()
    assert measures["accuracy"] > 0.8 if classes else measures["r2"] > 0.2
    task.save(tmp_path / "task")
    again = kind.load(tmp_path / "task", data)
    assert again.evaluate() == measures
    assert again.predict(data.take(np.arange(3))) == task.predict(data.take(np.arange(3)))


def test_its_rows_are_those_of_the_network():
    data = load_frame("wine")
    ours, theirs = Classifier(data, seed=3), baseline("sklearn:svm")(data, seed=3)
    assert (ours.split.part_of == theirs.split.part_of).all()
    assert torch.equal(ours.columns["table"], theirs.columns["table"])


def test_texts_are_counted():
    task = baseline("sklearn:logistic-regression")(reviews(), vocabulary=300).learn()
    assert task.evaluate()["accuracy"] > 0.9


@pytest.mark.parametrize("kind", [RandomForestClassifier, HistGradientBoostingClassifier])
def test_trees_that_point_nowhere_are_refused(kind):
    inputs = np.random.default_rng(0).normal(size=(60, 3))
    model = kind().set_params(**({"n_estimators": 2} if kind is RandomForestClassifier else {"max_iter": 2}))
    model.fit(inputs, inputs[:, 0] > 0)
    estimator_from_bytes(estimator_to_bytes(model))
    if kind is RandomForestClassifier:
        model.estimators_[0].tree_.feature[0] = 99
    else:
        model._predictors[0][0].nodes["left"][0] = 99
    with pytest.raises(SandlotError, match="trees point to where nothing is"):
        estimator_from_bytes(estimator_to_bytes(model))


def test_an_option_that_there_is_not_is_a_sentence():
    with pytest.raises(SandlotError, match=r"--options: .*unexpected keyword argument 'depth'"):
        baseline("sklearn:svm")("wine", options='{"depth": 3}')
    with pytest.raises(SandlotError, match="--options must be JSON"):
        baseline("sklearn:svm")("wine", options="C=3")
