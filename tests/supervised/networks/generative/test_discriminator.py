"""Discriminators: the projection of classes, and spectral normalization."""

import copy

import pytest
import torch

from sandlot.supervised import Learner, LearnerConfig
from sandlot.supervised.networks import Discriminator, StridedCNN, apply_spectral_norm, initialize_normal
from sandlot.supervised.optimization.target_network import TargetNetwork

pytestmark = pytest.mark.shapes


def test_the_projection_adds_the_product_of_embedding_and_features():
    torch.manual_seed(0)
    discriminator = Discriminator(StridedCNN(1, 8, 8, (4,)), num_classes=3)
    images = torch.rand(2, 1, 8, 8)
    features = discriminator.encoder.encode(images)
    difference = discriminator(images, torch.tensor([0, 1])) - discriminator(images, torch.tensor([2, 2]))
    weights = discriminator.embedding.weight
    torch.testing.assert_close(difference, (features * (weights[:2] - weights[2])).sum(1))


def test_spectral_norms_are_one():
    torch.manual_seed(0)
    discriminator = apply_spectral_norm(Discriminator(StridedCNN(1, 8, 8, (4, 6)), num_classes=3))
    for _ in range(60):
        discriminator(torch.rand(2, 1, 8, 8), torch.tensor([0, 1]))
    for layer in (discriminator.head, discriminator.encoder.layers[0], discriminator.embedding):
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1.0, abs=1e-3)


def test_a_spectrally_normalized_network_learns_and_is_copied_and_frozen():
    torch.manual_seed(0)
    discriminator = apply_spectral_norm(initialize_normal(Discriminator(StridedCNN(1, 8, 8, (4,)))))
    learner = Learner(discriminator, lambda module, batch: (module(batch).mean(), {}), LearnerConfig(device="cpu"))
    target, view = TargetNetwork(learner), learner.frozen()
    images = torch.rand(4, 1, 8, 8)
    before = copy.deepcopy(discriminator).eval()(images)
    for _ in range(20):
        learner.step(images)
    discriminator.eval(), target.module.eval(), view.eval()
    assert (discriminator(images) < before).all()
    torch.testing.assert_close(view(images), discriminator(images))
    torch.testing.assert_close(target.module(images), before)
    target.update()
    torch.testing.assert_close(target.module(images), discriminator(images))


def test_normal_initialization():
    torch.manual_seed(0)
    discriminator = initialize_normal(Discriminator(StridedCNN(1, 16, 16, (32, 64))), std=0.02)
    assert discriminator.head.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert discriminator.head.bias.item() == 0.0
