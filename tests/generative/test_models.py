"""What holds for every generative model."""

import numpy as np
import pytest
import torch

from sandlot.generative import AE, GAN, MODELS, VAE, VQVAE
from sandlot.generative.autoencoders.vae import gaussian_kl, reparameterize
from sandlot.supervised.fitting.fit import fit
from sandlot.tracking import SandlotError
from tests.generative.datasets import bars, corners, samples, small_model


def weights(model):
    return {name: value for name, value in model.tensors().items() if not name.startswith("random.")}


def assert_same_weights(model, other):
    for name, value in weights(model).items():
        np.testing.assert_array_equal(value, weights(other)[name], name)


@pytest.mark.parametrize("name", list(MODELS))
class TestEachModel:
    @pytest.mark.shapes
    def test_same_seed_gives_the_same_weights_and_a_saved_model_the_same_samples(self, name, tmp_path):
        model, again = small_model(name).learn(), small_model(name).learn()
        assert_same_weights(model, again)
        model.save(tmp_path / "model")
        loaded = type(model).load(tmp_path / "model", bars())
        torch.testing.assert_close(samples(loaded), samples(model), rtol=0, atol=0)
        assert loaded.evaluate() == model.evaluate()

    def test_resumed_training_equals_uninterrupted(self, name, tmp_path):
        whole, part = small_model(name), small_model(name)
        fit(whole, 9)
        fit(part, 4)
        # Training ends with the best weights; resuming starts from the latest, so these must be the same here.
        part.save(tmp_path / "model")
        if part.best is None or part.best.step == part.step:
            resumed = type(part).load(tmp_path / "model", bars())
            fit(resumed, 9)
            assert_same_weights(resumed, whole)

    def test_bfloat16_learns_nearly_what_float32_does(self, name):
        rough, exact = (small_model(name, precision=precision).learn() for precision in ("bfloat16", "float32"))
        for key, value in rough.evaluate().items():
            assert value == pytest.approx(exact.evaluate()[key], rel=0.1, abs=0.3), key
        assert samples(rough).dtype == torch.float32

    @pytest.mark.shapes
    def test_sample_plots_are_reproducible_and_samples_are_images(self, name, tmp_path):
        model = small_model(name)
        first, second = model.plot_samples(tmp_path / "a"), model.plot_samples(tmp_path / "b")
        assert set(first) == {"samples", "reconstructions"} if model.has_encoder else {"samples"}
        for key in first:
            assert first[key].read_bytes() == second[key].read_bytes()
        assert samples(model).shape == (12, 1, 8, 8)
        assert samples(model).min() >= 0
        assert samples(model).max() <= 1

    def test_a_model_is_three_classes_deep(self, name):
        ours = [kind for kind in type(small_model(name)).__mro__ if kind.__module__.startswith("sandlot.")]
        assert len(ours) == 3


class LaplaceVAE(VAE):
    """A user's VAE with an absolute error."""

    name = "laplace-vae"

    def loss(self, network, batch):
        mean, log_variance = network.encode(batch["x"])
        latent = reparameterize(mean, log_variance, batch["noise"])
        error = (network.decode_mean(latent) - batch["x"]).abs().flatten(1).sum(1)
        loss = (error + batch["beta"] * gaussian_kl(mean, log_variance)).mean()
        return loss, {"loss": loss.detach()}


class LeastSquaresGAN(GAN):
    """A user's GAN with the losses of Mao et al., 2017."""

    name = "least-squares-gan"

    def discriminator_loss(self, discriminator, batch):
        real, fake = discriminator(batch["real"]), discriminator(batch["fake"])
        loss = (real - 1).square().mean() + fake.square().mean()
        return loss, {"loss": loss.detach()}

    def generator_loss(self, generator, batch):
        fake = self.pair.fixed_discriminator(generator(batch["noise"]))
        loss = (fake - 1).square().mean()
        return loss, {"loss": loss.detach()}


@pytest.mark.parametrize("kind", [LaplaceVAE, LeastSquaresGAN])
def test_a_subclass_can_have_a_loss_of_its_own(kind, tmp_path):
    options = {
        "network": "mlp",
        "hidden": (16,),
        "latent_size": 4,
        "batch_size": 16,
        "epochs": 8,
        "learning_rate": 3e-3,
    }
    model = kind(bars(), seed=1, **options)
    before = model.evaluate()
    after = model.learn().evaluate()
    if "loss" in before:
        assert after["loss"] < 0.8 * before["loss"]
    model.save(tmp_path / "model")
    assert kind.load(tmp_path / "model", bars()).evaluate() == after


@pytest.mark.parametrize(
    ("sentence", "make"),
    [
        ("latent_size must be at least 1", lambda: AE(bars(), latent_size=0)),
        ("augment changes images, and corners is a table", lambda: AE(corners(), augment=("flip",))),
        ("no class 'diagonal' to hold out", lambda: AE(bars(), latent_size=4, held_out="diagonal")),
        ("learns from images, and corners holds tables", lambda: VQVAE(corners())),
        ("does not read tables", lambda: VAE(corners(), latent_size=2, network="strided")),
        ("no column of classes", lambda: VAE(bars(labels=False), latent_size=4, conditional=True)),
        (
            "conditional model can't have a class held out",
            lambda: VAE(bars(), latent_size=4, conditional=True, held_out="down"),
        ),
        ("beta must be at least 0", lambda: VAE(bars(), beta=-1.0)),
        ("codebook_size must be at least 2", lambda: VQVAE(bars(), codebook_size=1)),
        ("a gan has no encoder", lambda: small_model("gan").reconstruct({})),
    ],
)
def test_a_mistake_gets_a_sentence(sentence, make):
    with pytest.raises(SandlotError, match=sentence):
        make()


def test_a_model_needs_no_classes():
    assert VAE(bars(labels=False), latent_size=4, epochs=1).learn().classes == []


def test_a_held_out_class_is_in_the_test_alone():
    model = AE(bars(), seed=1, latent_size=4, held_out="down")
    assert model.classes == ["across"]
    labels = {
        name: set(model.subset(name).columns["label"][model.subset(name).rows].tolist()) for name in ("train", "test")
    }
    assert labels == {"train": {0}, "test": {-1, 0}}
