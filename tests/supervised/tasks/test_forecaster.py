"""Forecasters on sine waves."""

import numpy as np
import pytest
import torch

from sandlot.supervised import Forecaster
from tests.supervised.datasets import SMALL, overfit_one_batch, waves

pytestmark = pytest.mark.shapes


@pytest.mark.parametrize("network", ["rnn", "lstm", "gru", "transformer", "mlp"])
def test_forecasters_overfit_a_batch(network):
    overfit_one_batch(Forecaster(waves(), network=network, window=16, horizon=2, **SMALL))


def test_forecasts_beat_the_naive_forecast(tmp_path):
    task = Forecaster(waves(), network="gru", window=16, horizon=3, epochs=10, learning_rate=1e-2).learn()
    measures = task.evaluate()
    assert measures["rmse"] < 0.3 * measures["naive_rmse"]
    ahead = [prediction["up"] for prediction in task.predict(waves(400))]
    np.testing.assert_allclose(ahead, np.sin(np.arange(400, 403) / 5), atol=0.3)
    with torch.no_grad():
        assert task.plot_evaluation(task.subset("test"), tmp_path)["forecasts"].stat().st_size > 1000


def test_no_forecast_spans_two_splits():
    task = Forecaster(waves(), window=16, horizon=3)
    end = {
        name: (task.subset(name).rows.min(), task.subset(name).rows.max()) for name in ("train", "validation", "test")
    }
    assert end["train"][0] == 18
    assert end["train"][1] + 3 <= end["validation"][0] + 1
    assert end["validation"][1] + 3 <= end["test"][0] + 1
    batch = next(task.subset("test").batches(1))
    mean, std = task.metadata["scales"]["up"]
    first = end["test"][0]
    future = np.sin(np.arange(first - 2, first + 1) / 5)
    np.testing.assert_allclose(batch["future"][0, :, 0] * std + mean, future, atol=1e-5)
    np.testing.assert_allclose(batch["past"][0, -1, 0] * std + mean, np.sin((first - 3) / 5), atol=1e-5)
