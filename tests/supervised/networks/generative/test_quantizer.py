"""The vector quantizer and its codebook."""

import pytest
import torch

from sandlot.supervised.networks import VectorQuantizer

pytestmark = pytest.mark.shapes


def test_vectors_get_the_nearest_entry_which_moves_towards_them():
    quantizer = VectorQuantizer(2, 2, decay=0.5)
    quantizer.codebook.copy_(torch.tensor([[0.0, 0.0], [10.0, 10.0]]))
    quantizer.sums.copy_(quantizer.codebook * 2), quantizer.counts.fill_(2.0)
    vectors = torch.tensor([[1.0, 1.0], [9.0, 9.0], [1.0, 3.0]])
    codes = quantizer(vectors)
    assert codes.tolist() == [0, 1, 0]
    quantizer.update(vectors, codes)
    # Half the old (0, 0) twice, half the new (1, 1) and (1, 3): a mean of (0.5, 1).
    torch.testing.assert_close(quantizer.codebook, torch.tensor([[0.5, 1.0], [29 / 3, 29 / 3]]))


def test_an_unused_entry_restarts_at_a_vector():
    quantizer = VectorQuantizer(3, 1, decay=0.0)
    quantizer.codebook.copy_(torch.tensor([[0.0], [1.0], [100.0]]))
    vectors = torch.tensor([[0.0], [1.0], [2.0]])
    quantizer.update(vectors, quantizer(vectors))
    assert quantizer.codebook[2].item() in (0.0, 1.0, 2.0)
