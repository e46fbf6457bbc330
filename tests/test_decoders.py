"""Networks that make images, and that judge them."""

import copy

import pytest
import torch

from sandlot.supervised.networks import (
    ConvDecoder,
    Discriminator,
    MapDecoder,
    MLPDecoder,
    StridedCNN,
    initialize_normally,
    normalize_spectrally,
)
from sandlot.supervised.networks.images.sizes import pyramid
from sandlot.supervised import Learner, LearnerConfig
from sandlot.supervised.optimization.learner import TargetNetwork, frozen


def test_sides_are_halved_down_to_four():
    assert pyramid(28, 28, 3) == [(28, 28), (14, 14), (7, 7), (4, 4)]
    assert pyramid(8, 8, 3) == [(8, 8), (4, 4)]
    assert pyramid(5, 40, 3) == [(5, 40)]


@pytest.mark.parametrize("size", [(28, 28), (32, 32), (84, 84), (8, 8), (3, 5), (13, 29), (210, 160)])
@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
def test_a_decoder_mirrors_an_encoder_whatever_the_size(size, upsampling):
    encoder = StridedCNN(3, *size, widths=(4, 6, 8), normalization="batch")
    decoder = MapDecoder(3, *size, widths=(4, 6, 8), upsampling=upsampling, normalization="layer")
    assert encoder.map_shape == decoder.map_shape
    images = torch.rand(2, 3, *size)
    assert decoder(encoder.maps(images)).shape == images.shape
    assert encoder.encode(images).shape == (2, encoder.feature_size)


def test_decoders_of_vectors():
    assert ConvDecoder(5, (1, 28, 20), (4, 8), "batch")(torch.randn(3, 5)).shape == (3, 1, 28, 20)
    assert MLPDecoder(5, (2,), (8,))(torch.randn(3, 5)).shape == (3, 2)


def test_a_projection_tells_classes():
    torch.manual_seed(0)
    judge = Discriminator(StridedCNN(1, 8, 8, (4,)), classes=3)
    images = torch.rand(2, 1, 8, 8)
    features = judge.encoder.encode(images)
    difference = judge(images, torch.tensor([0, 1])) - judge(images, torch.tensor([2, 2]))
    weights = judge.embedding.weight
    torch.testing.assert_close(difference, (features * (weights[:2] - weights[2])).sum(1))


def test_spectral_norms_are_one():
    torch.manual_seed(0)
    judge = normalize_spectrally(Discriminator(StridedCNN(1, 8, 8, (4, 6)), classes=3))
    for _ in range(60):
        judge(torch.rand(2, 1, 8, 8), torch.tensor([0, 1]))
    for weight in (judge.head.weight, judge.encoder.layers[0].weight, judge.embedding.weight):
        assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1.0, abs=1e-3)


def test_a_spectrally_normalised_network_learns_and_is_copied_and_frozen():
    torch.manual_seed(0)
    judge = normalize_spectrally(initialize_normally(Discriminator(StridedCNN(1, 8, 8, (4,)))))
    learner = Learner(judge, lambda module, batch: (module(batch).mean(), {}), LearnerConfig(device="cpu"))
    slow, view = TargetNetwork(learner), frozen(learner)
    images = torch.rand(4, 1, 8, 8)
    before = copy.deepcopy(judge).eval()(images)
    for _ in range(20):
        learner.step(images)
    judge.eval(), slow.module.eval(), view.eval()
    assert (judge(images) < before).all()
    torch.testing.assert_close(view(images), judge(images))
    torch.testing.assert_close(slow.module(images), before)
    slow.update()
    torch.testing.assert_close(slow.module(images), judge(images))
