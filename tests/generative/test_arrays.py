"""Models of arrays, tensors and data sets, in scikit-learn's manner."""

import numpy as np
import pytest
import torch

from sandlot.generative import AE, GAN, VAE, VQVAE
from sandlot.generative.arrays import as_pixels, frame_of
from sandlot.supervised.data import Frame
from sandlot.tracking import SandlotError

RANDOM = np.random.default_rng(0)
BYTES = RANDOM.integers(0, 256, (60, 8, 8, 1)).astype(np.uint8)
BYTES[0, 0, 0] = 255
SMALL = {"latent_size": 4, "epochs": 1, "widths": (4, 8), "hidden": (16,)}


def frame(pixels):
    return Frame("mine", {"image": pixels}, [("mine", len(pixels))])


@pytest.mark.parametrize(
    "pixels",
    [
        BYTES,
        BYTES.transpose(0, 3, 1, 2),
        BYTES[..., 0],
        BYTES / 255,
        (BYTES / 255).astype(np.float32),
        BYTES.astype(np.float32),
        BYTES.astype(np.int64),
        BYTES.astype(np.uint16) * 257,
    ],
)
def test_images_of_every_type_are_the_same_images(pixels):
    read = as_pixels(frame(pixels)).columns["image"]
    assert read.shape == BYTES.shape
    np.testing.assert_allclose(read, BYTES, atol=1e-3)


@pytest.mark.parametrize("pixels", [BYTES / 255 - 0.5, BYTES * 300.0, np.full((4, 8, 8, 1), np.nan), BYTES * 1j])
def test_images_of_unknown_range_are_refused(pixels):
    with pytest.raises(SandlotError, match="images of mine"):
        VAE(frame(pixels), **SMALL)


def test_masks_are_black_and_white():
    assert set(as_pixels(frame(BYTES > 99)).columns["image"].ravel().tolist()) == {0, 255}


@pytest.mark.parametrize(
    "data",
    [
        BYTES,
        torch.tensor(BYTES),
        torch.utils.data.TensorDataset(torch.tensor(BYTES)),
        torch.utils.data.TensorDataset(torch.tensor(BYTES), torch.arange(60) % 3),
        [(image, 0) for image in torch.tensor(BYTES)],
    ],
)
def test_models_learn_from_what_their_users_have(data):
    model = VAE(data, **SMALL).learn()
    assert model.shape == (1, 8, 8)


def test_files_of_arrays(tmp_path):
    np.save(tmp_path / "a.npy", BYTES)
    np.savez(tmp_path / "a.npz", x=BYTES, y=np.arange(60) % 3)
    assert VAE(tmp_path / "a.npy", **SMALL).classes == []
    assert VAE(str(tmp_path / "a.npz"), conditional=True, **SMALL).classes == ["0", "1", "2"]


@pytest.mark.parametrize("data", [np.zeros(5), np.zeros((0, 4)), np.array([["a", "b"]])])
def test_what_is_no_data_gets_a_sentence(data):
    with pytest.raises((SandlotError, ValueError)):
        frame_of(data)


def test_fit_encode_decode_sample_and_score():
    table = RANDOM.normal(size=(300, 3)) @ np.diag([1.0, 2.0, 5.0]) + 10
    model = VAE(latent_size=2, hidden=(16,), epochs=60, learning_rate=1e-2).fit(table)
    latent = model.encode(table[:7])
    assert latent.shape == (7, 2)
    assert not latent.requires_grad
    assert model.decode(latent).shape == (7, 3)
    rows = model.sample(5000)
    assert not rows.requires_grad
    columns = model.inverse_transform(rows)
    assert columns["x2"].std() == pytest.approx(5.0, rel=0.3)
    assert columns["x2"].mean() == pytest.approx(10.0, abs=1.5)
    assert model.score(table[:50]) == pytest.approx(model.score_samples(table[:50]).mean().item())
    assert model.score(table[:50]) > model.score(table[:50] + 50)


def test_sampling_makes_no_graph_and_keeps_the_mode():
    model = GAN(BYTES, **SMALL)
    model.train(True)
    assert not model.sample(3).requires_grad
    assert model.learners["generator"].module.training


def test_training_goes_on_with_more_rows():
    model = AE(latent_size=2, hidden=(16,), epochs=2).fit(RANDOM.normal(size=(200, 4)))
    step, scales = model.step, model.metadata["preprocessing"]
    model.partial_fit(RANDOM.normal(size=(200, 4)) + 1, epochs=3)
    assert model.step > step
    assert model.metadata["preprocessing"] == scales


def test_fit_before_all_else():
    with pytest.raises(SandlotError, match="call fit first"):
        VAE().score(BYTES)


def test_bytes_come_back():
    model = VQVAE(BYTES, widths=(4,), latent_size=4, codebook_size=8, prior_size=8, epochs=1).learn()
    image = model.inverse_transform(model.sample(4))["image"]
    assert (image.shape, image.dtype) == ((4, 8, 8, 1), np.uint8)
