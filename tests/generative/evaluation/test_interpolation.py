"""Interpolation between latent vectors."""

import pytest
import torch

from sandlot.generative.evaluation.interpolation import interpolate, interpolation_grid
from tests.generative.datasets import small_model

pytestmark = pytest.mark.shapes


def test_an_arc_keeps_the_norm_and_a_line_does_not():
    first, last = torch.tensor([[3.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 3.0], [1.0, 0.0]])
    middle = interpolate(first, last, 0.5, spherical=True)
    torch.testing.assert_close(middle, torch.tensor([[3 / 2**0.5, 3 / 2**0.5], [1.0, 0.0]]))
    torch.testing.assert_close(interpolate(first, last, 0.5, spherical=False)[0], torch.tensor([1.5, 1.5]))


@pytest.mark.parametrize("name", ["ae", "gan"])
def test_a_grid_starts_and_ends_at_its_latent_vectors(name):
    model = small_model(name)
    model.train(False)
    with torch.no_grad():
        grid = interpolation_grid(model, pairs=2, steps=5)
        assert grid.rows.shape == (10, 1, 8, 8)
        if model.has_encoder:
            ends = model.reconstruct(model.fixed_batch("test", 4))
            torch.testing.assert_close(grid.rows[[0, 5, 4, 9]], ends)
