"""Batches."""

import numpy as np
import pytest
import torch

from sandlot.supervised.data import Loader

pytestmark = pytest.mark.shapes


def test_an_epoch_has_each_row_once_and_resumes_in_its_middle():
    columns = {"x": torch.arange(20)}
    loader = Loader(columns, np.arange(2, 20), 6, seed=3)
    assert loader.steps_per_epoch == 3
    epochs = [[loader.batch(step)["x"] for step in range(3 * epoch, 3 * epoch + 3)] for epoch in (0, 1)]
    for epoch in epochs:
        assert sorted(torch.cat(epoch).tolist()) == list(range(2, 20))
    assert not torch.equal(epochs[0][0], epochs[1][0])
    later = Loader(columns, np.arange(2, 20), 6, seed=3)
    assert torch.equal(later.batch(4)["x"], epochs[1][1])
