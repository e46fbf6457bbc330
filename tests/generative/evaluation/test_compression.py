"""Rates and distortions where they can be worked out."""

import math

import numpy as np
import pytest
import torch

from sandlot.generative.evaluation.arithmetic_coder import decode, encode, frequency_tables
from sandlot.generative.evaluation.compression import (
    code_lengths,
    image_format_rate_distortion,
    model_rate_distortion,
    quantize,
)
from sandlot.tracking import SandlotError
from tests.generative.datasets import small_model

pytestmark = pytest.mark.shapes


def test_bits_are_those_of_a_code_that_the_training_rows_fixed():
    """Four equal frequencies take two bits, whatever the coded rows are, and a constant takes next to none."""
    trained = torch.tensor([[0, 5], [1, 5], [2, 5], [3, 5]]).repeat(1000, 1)
    for rows in (1, 7, 400):
        indices = torch.tensor([[2, 5]]).repeat(rows, 1)
        ideal, coded = code_lengths(indices, trained, 8)
        assert ideal == pytest.approx(2.0, abs=0.02)
        assert 8 * len(coded) == pytest.approx(ideal * rows, abs=10)


def test_a_codebook_of_known_entropy_takes_its_bits_and_can_be_decoded():
    probabilities = np.array([[0.5, 0.25, 0.125, 0.125], [0.9, 0.05, 0.03, 0.02]])
    tables = frequency_tables(probabilities)
    rng = np.random.default_rng(0)
    symbols = [int(rng.choice(4, p=probabilities[place % 2])) for place in range(4000)]
    coded = encode(symbols, (tables[place % 2] for place in range(4000)))
    entropy = -(probabilities * np.log2(probabilities)).sum(1).mean()
    assert 8 * len(coded) / 4000 == pytest.approx(entropy, rel=0.03)
    assert decode(coded, (tables[place % 2] for place in range(4000))) == symbols


def test_the_number_of_test_rows_does_not_change_the_rate():
    rates = {}
    for share in (0.02, 0.2):
        model = small_model("ae", epochs=4, test_share=share).learn()
        with torch.no_grad():
            rates[len(model.subset("test"))] = model_rate_distortion(model)[-1].bits
    assert min(rates.values()) > 0.6 * max(rates.values())


def test_without_test_rows_there_is_a_sentence():
    model = small_model("ae", epochs=1, test_share=0.0)
    with pytest.raises(SandlotError, match="no test rows"):
        model_rate_distortion(model)


def test_image_formats_stand_beside():
    model = small_model("ae", epochs=1)
    points = image_format_rate_distortion(model)
    assert [point.method for point in points] == ["JPEG"] * 6 + ["PNG"]
    assert points[-1].error < 1e-12
    assert points[0].error > points[5].error


def test_codes_are_quantized_to_the_nearest_level():
    codes = torch.tensor([[0.0], [0.4], [0.6], [9.0]])
    assert quantize(codes, torch.tensor([0.0]), torch.tensor([1.0]), 2).tolist() == [[0], [0], [1], [1]]


def test_a_vq_vae_has_the_rate_of_its_prior():
    model = small_model("vq-vae", epochs=1).learn()
    with torch.no_grad():
        (point,) = model_rate_distortion(model)
    assert point.method == "vq-vae, 16 codes"
    assert point.bits == pytest.approx(16 * model.evaluate()["prior_nats"] / math.log(2), rel=0.05)


def test_more_levels_take_more_bits_and_lose_less():
    model = small_model("ae", epochs=8, learning_rate=3e-3).learn()
    with torch.no_grad():
        points = model_rate_distortion(model)
    assert points[0].bits < 5 < points[-1].bits
    assert points[-1].error < points[0].error
