"""Regressors on data small enough to fit in seconds."""

import numpy as np
import pytest

from sandlot.supervised import Regressor
from tests.supervised.datasets import frame_of

pytestmark = pytest.mark.shapes


def test_predictions_are_in_the_units_of_the_data():
    random = np.random.default_rng(0)
    x, y = random.normal(size=300), random.normal(size=300)
    data = frame_of(x=list(x), y=list(y), target=list(1000 + 50 * (x - 2 * y)))
    task = Regressor(data, epochs=40, hidden=(32,), learning_rate=1e-2).learn()
    measures = task.evaluate()
    assert measures["r2"] > 0.97
    assert measures["rmse"] == pytest.approx(measures["mse"] ** 0.5)
    assert task.predict(frame_of(x=[0.0], y=[0.0]))[0]["target"] == pytest.approx(1000, abs=20)
