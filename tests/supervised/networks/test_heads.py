"""Value heads."""

import pytest
import torch

from sandlot.supervised.networks import CategoricalHead, QHead, QuantileHead, ValueHead, greedy

pytestmark = pytest.mark.shapes

FEATURES = torch.randn(4, 6)


def test_shapes():
    assert QHead(6, 3)(FEATURES).shape == (4, 3, 1)
    assert QuantileHead(6, 3, 7)(FEATURES).shape == (4, 3, 7)
    assert CategoricalHead(6, 3, -1.0, 1.0, 5)(FEATURES).shape == (4, 3, 5)
    assert ValueHead(6)(FEATURES).shape == (4,)


@pytest.mark.parametrize("head", [QHead(6, 3, dueling=True, noisy=True), ValueHead(6)], ids=["q", "value"])
def test_heads_compute_in_float32_under_autocast(head):
    expected = head(FEATURES)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(head(FEATURES), expected)


def test_dueling_advantages_are_centred_on_the_value():
    head = QHead(6, 3, dueling=True)
    value = head.value
    assert value is not None
    torch.testing.assert_close(head(FEATURES).mean(-2), value(FEATURES))


def test_distributional_heads_return_the_mean():
    head = CategoricalHead(6, 3, -2.0, 2.0, 5)
    probabilities = head(FEATURES).exp()
    torch.testing.assert_close(probabilities.sum(-1), torch.ones(4, 3))
    expected = (probabilities * torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0])).sum(-1)
    torch.testing.assert_close(head.values(head(FEATURES)), expected)
    quantiles = QuantileHead(6, 3, 9)
    torch.testing.assert_close(quantiles.values(torch.eye(9)), torch.full((9,), 1 / 9))


def test_greedy_respects_the_mask():
    values = torch.tensor([[1.0, 3.0, 2.0]])
    assert greedy(values).item() == 1
    assert greedy(values, torch.tensor([[True, False, True]])).item() == 2
