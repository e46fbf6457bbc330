"""Trainings at the same time do not share random numbers."""

import threading

import pytest
import torch

from tests.generative.datasets import small_model


@pytest.mark.parametrize(
    ("name", "options"), [("vae", {}), ("dcgan", {}), ("vq-vae", {}), ("ae", {"dropout": 0.5, "network": "mlp"})]
)
def test_two_threads_end_as_each_does_alone(name, options):
    def train(seed, ends):
        model = small_model(name, epochs=4, **options)
        model.seed = seed
        model.rebuild()
        ends[seed] = {key: value.tobytes() for key, value in model.learn().tensors().items()}

    alone, together = {}, {}
    for seed in (1, 2):
        train(seed, alone)
    threads = [threading.Thread(target=train, args=(seed, together)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert alone[1] != alone[2]
    assert together == alone


def test_a_training_leaves_torchs_generator_alone():
    before = torch.get_rng_state()
    small_model("vae", epochs=1).learn()
    assert torch.equal(torch.get_rng_state(), before)
