"""Decoders mirror encoders."""

import pytest
import torch

from sandlot.supervised.networks import ConvDecoder, MapDecoder, MLPDecoder, StridedCNN
from sandlot.supervised.networks.images.sizes import pyramid

pytestmark = pytest.mark.shapes


def test_sides_are_halved_down_to_four():
    assert pyramid(28, 28, 3) == [(28, 28), (14, 14), (7, 7), (4, 4)]
    assert pyramid(8, 8, 3) == [(8, 8), (4, 4)]
    assert pyramid(5, 40, 3) == [(5, 40)]


@pytest.mark.parametrize("size", [(28, 28), (84, 84), (8, 8), (3, 5), (13, 29), (210, 160)])
@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
def test_a_decoder_mirrors_an_encoder_of_any_size(size, upsampling):
    encoder = StridedCNN(3, *size, widths=(4, 6, 8), normalization="batch")
    decoder = MapDecoder(3, *size, widths=(4, 6, 8), upsampling=upsampling, normalization="layer")
    assert encoder.map_shape == decoder.map_shape
    images = torch.rand(2, 3, *size)
    assert decoder(encoder.maps(images)).shape == images.shape
    assert encoder.encode(images).shape == (2, encoder.feature_size)


def test_decoders_of_vectors_return_rows_of_their_shape():
    assert ConvDecoder(5, (1, 28, 20), (4, 8), "batch")(torch.randn(3, 5)).shape == (3, 1, 28, 20)
    assert MLPDecoder(5, (2,), (8,))(torch.randn(3, 5)).shape == (3, 2)
