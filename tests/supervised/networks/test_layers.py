"""Normalisation and ensembles."""

from typing import Any

import pytest
import torch
from torch import nn

from sandlot.supervised.networks import Ensemble, RunningNorm

pytestmark = pytest.mark.shapes


def test_running_norm_equals_the_statistics_of_all_rows():
    torch.manual_seed(0)
    data = torch.randn(1000, 3) * torch.tensor([1.0, 5.0, 0.1]) + torch.tensor([0.0, 10.0, -3.0])
    norm = RunningNorm(3)
    for rows in data.split([1, 99, 400, 500]):
        norm.update(rows)
    norm.update(data[:0])
    torch.testing.assert_close(norm.mean, data.mean(0), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(norm.variance, data.var(0, correction=0), atol=1e-4, rtol=1e-3)
    scaled = norm(data)
    torch.testing.assert_close(scaled.mean(0), torch.zeros(3), atol=1e-3, rtol=0)
    assert norm(torch.full((1, 3), 1e9)).max() == 10


@pytest.mark.parametrize("normalization", ["none", "layer", "batch"])
def test_ensemble_equals_its_members(normalization):
    ensemble: Any = Ensemble(3, 5, (8, 6), "relu", normalization)
    inputs = torch.randn(7, 5)
    together = ensemble(inputs)
    for member in range(3):
        hidden = inputs
        for layer in ensemble.layers:
            if isinstance(layer, nn.ReLU):
                hidden = hidden.clamp(min=0)
            elif hasattr(layer, "norms"):
                hidden = layer.norms[member](hidden)
            else:
                hidden = hidden @ layer.weight[member] + layer.bias[member]
        torch.testing.assert_close(together[member], hidden.squeeze(-1))
    torch.testing.assert_close(ensemble(inputs, 2), together[:2])
