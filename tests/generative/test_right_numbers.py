"""Numbers that were wrong with a normal-looking table."""

import math

import numpy as np
import pytest
import torch

from sandlot.generative import AE, CGAN, VAE, VQVAE, WGANGP
from sandlot.generative.evaluation.anomalies import score_anomalies
from sandlot.generative.evaluation.compression import pca_rate_distortion
from sandlot.generative.evaluation.interpolation import interpolation_grid
from sandlot.generative.evaluation.latent_map import plot_latents
from sandlot.generative.evaluation.nearest import nearest_training_rows
from sandlot.supervised.data import Frame
from sandlot.tracking import SandlotError
from tests.generative.datasets import bars, corners, small_model


def blobs(classes, size=8, seed=0):
    """Return images of a blob at a place that the class gives."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:size, 0:size]
    places = [(2 + 4 * (label % 2), 2 + 4 * (label // 2)) for label in classes]
    places = [(row + random.normal() * 0.3, column + random.normal() * 0.3) for row, column in places]
    images = [230 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / 3) for row, column in places]
    return np.stack(images).astype(np.uint8)[..., None]


def test_a_linear_vae_reaches_probabilistic_pca_and_its_samples_spread_as_the_data():
    random = np.random.default_rng(0)
    weights = random.normal(size=(6, 2))
    rows = random.normal(size=(1000, 2)) @ weights.T + 0.4 * random.normal(size=(1000, 6)) + 3
    model = VAE(rows, latent_size=2, hidden=(), epochs=200, learning_rate=1e-2, learning_rate_schedule="cosine",
                validation_share=0.0, test_share=0.0).learn()  # fmt: skip
    x = model.subset("train").column("table")
    torch.manual_seed(0)
    covariance, drawn = x.T.cov(), model.sample(20_000).T.cov()
    values, directions = torch.linalg.eigh(covariance)
    values, directions = values.flip(0), directions.flip(1)
    noise = values[2:].mean()
    fitted = torch.cat([values[:2], noise.repeat(4)])
    torch.testing.assert_close(drawn, directions @ fitted.diag() @ directions.T, atol=0.2, rtol=0)
    assert drawn.trace().item() == pytest.approx(covariance.trace().item(), rel=0.1)
    likelihood = -0.5 * (6 * math.log(2 * math.pi) + fitted.log().sum() + (values / fitted).sum()).item()
    assert model.evaluate("train")["elbo"] == pytest.approx(likelihood, abs=0.1)
    assert model.sample(20_000, mean=True).var(0).sum() < 0.8 * x.var(0).sum()


def test_codes_of_a_few_steps_are_drawn_as_they_are():
    model = AE(blobs(np.arange(100) % 4), latent_size=2, epochs=4, hidden=(16,), network="mlp").learn()
    codes = model.encode(model.frame)
    codes = model.embed_part(model.subset("train"))[0].detach()
    torch.manual_seed(0)
    drawn = model.sample_prior(20_000)
    torch.testing.assert_close(drawn.mean(0), codes.mean(0), atol=0.1 * codes.std().item(), rtol=0.05)
    torch.testing.assert_close(drawn.std(0), codes.std(0), atol=0, rtol=0.15)


def test_the_order_of_rows_changes_nothing():
    classes = np.repeat(np.arange(4), 2000)
    errors, seen = [], []
    for order in (np.arange(8000), np.random.default_rng(0).permutation(8000)):
        data = Frame("blobs", {"image": blobs(classes)[order], "label": classes[order]}, [("blobs", 8000)])
        model = AE(data, latent_size=4, epochs=1, network="mlp", hidden=(8,))
        errors.append(pca_rate_distortion(model)[-1].error)
        seen.append(len(set(model.some_rows("test", 300).column("label").tolist())))
    assert errors[0] == pytest.approx(errors[1], rel=0.2)
    assert seen == [4, 4]


def test_an_interpolation_ends_at_reconstructions_of_its_own_classes():
    model = small_model("vae", conditional=True, epochs=4).learn()
    with torch.no_grad():
        rows = interpolation_grid(model, 4, 5).rows.unflatten(0, (4, 5))
        ends = model.reconstruct(model.fixed_batch("test", 8))
    torch.testing.assert_close(torch.cat([rows[:, 0], rows[:, -1]]), ends)


def in_parts(held_out_rows, unseen_rows):
    classes = np.array([0, 1] * 40 + [1] * held_out_rows + [2] * unseen_rows + [0] * 4)
    split = np.array([0] * 80 + [2] * (held_out_rows + unseen_rows + 4))
    return Frame("blobs", {"image": blobs(classes), "label": classes}, [("blobs", len(classes))],
                 {"label": list("abc")}, split)  # fmt: skip


def test_classes_that_training_lacks_are_not_the_held_out_one():
    model = AE(in_parts(4, 20), held_out="b", latent_size=2, epochs=1, network="mlp", hidden=(8,)).learn()
    with torch.no_grad():
        scores = score_anomalies(model)
    assert int(scores.is_anomaly.sum()) == 4
    assert len(scores.score) == 8
    assert {name: len(score) for name, score in scores.unseen.items()} == {"c": 20}
    assert 0 <= scores.auroc_of("c") <= 1


@pytest.mark.parametrize("make", [CGAN, lambda data: VAE(data, conditional=True)])
def test_a_class_that_only_the_test_has_is_told_before_training(make):
    with pytest.raises(SandlotError, match="no training row of the class 'c'"):
        make(in_parts(4, 4))


def test_equal_codes_get_a_sentence(tmp_path):
    with pytest.raises(SandlotError, match="all 20 rows are the same"):
        plot_latents(tmp_path / "a.png", torch.ones(20, 3) + 1e-9 * torch.randn(20, 3), None, 0)


def test_a_generator_that_takes_no_step_is_refused():
    with pytest.raises(SandlotError, match="the generator learns after every 5 steps"):
        WGANGP(bars(), widths=(4,), batch_size=128, epochs=4).learn()


def test_what_a_user_should_know_is_noted():
    collapsed = small_model("vae", beta=1000.0, epochs=8, learning_rate=1e-2).learn()
    assert any("posterior collapse" in note for note in collapsed.notes(collapsed.evaluate()))
    wide = AE(corners(64), latent_size=3, hidden=(8,), epochs=1).learn()
    assert any("over-complete" in note for note in wide.notes(wide.evaluate()))
    dead = VQVAE(bars(), widths=(4,), latent_size=4, codebook_size=512, prior_size=8, epochs=1).learn()
    assert any("codebook entries are dead" in note for note in dead.notes(dead.evaluate()))
    gan = small_model("gan")
    assert any("discriminator has won" in note for note in gan.notes({"score_gap": 30.0}))
    assert not gan.notes({"score_gap": 1.0})


def test_copies_of_training_rows_are_told():
    model = small_model("vae", epochs=1)
    train = model.inputs(model.fixed_batch("train", 10))
    near = nearest_training_rows(model, train + 1e-3)
    assert near.is_copy.all()
    assert "memorised" in near.note()
    torch.testing.assert_close(near.rows, train)
    assert not nearest_training_rows(model, torch.rand(10, 1, 8, 8)).is_copy.any()
