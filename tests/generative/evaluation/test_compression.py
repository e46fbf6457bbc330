"""Rates and distortions where they can be worked out."""

import math

import pytest
import torch

from sandlot.generative.evaluation.compression import entropy_bits, model_rate_distortion, quantize
from tests.generative.datasets import small_model

pytestmark = pytest.mark.shapes


def test_bits_are_the_entropy_of_each_dimension():
    indices = torch.tensor([[0, 5], [1, 5], [2, 5], [3, 5]])
    assert entropy_bits(indices) == pytest.approx(math.log2(4))


def test_codes_are_quantized_to_the_nearest_level():
    codes = torch.tensor([[0.0], [0.4], [0.6], [9.0]])
    assert quantize(codes, torch.tensor([0.0]), torch.tensor([1.0]), 2).tolist() == [[0], [0], [1], [1]]


def test_a_vq_vae_has_the_rate_of_its_prior():
    model = small_model("vq-vae", epochs=1).learn()
    with torch.no_grad():
        (point,) = model_rate_distortion(model)
    assert point.method == "vq-vae, 16 codes"
    assert point.bits == pytest.approx(16 * model.evaluate()["prior_nats"] / math.log(2))


def test_more_levels_take_more_bits_and_lose_less():
    model = small_model("ae", epochs=8, learning_rate=3e-3).learn()
    with torch.no_grad():
        points = model_rate_distortion(model)
    assert points[0].bits < 4 < points[-1].bits
    assert points[-1].error < points[0].error
