"""Generative models, on data small enough for hand and eye."""

import numpy as np
import pytest
import torch

import sandlot.generative as generative
from sandlot.generative import AE, DAE, GAN, MODELS, VAE, VQVAE, WGANGP
from sandlot.generative.evaluation.interpolation import between
from sandlot.supervised.data import Frame
from sandlot.tracking import SandlotError

CENTRES = 2.0 * np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
QUICK = {"batch_size": 64, "validation_share": 0.1, "test_share": 0.1}


def mixture(rows=1024, seed=0):
    """Four narrow clouds at the corners of a square."""
    random = np.random.default_rng(seed)
    label = np.arange(rows) % 4
    points = CENTRES[label] + 0.15 * random.normal(size=(rows, 2))
    return Frame("corners", {"x": points[:, 0], "y": points[:, 1], "label": label}, [("corners", rows)])


def bars(rows=160, size=8, seed=0):
    """Images of a bright line or column, which is the class, at a random place."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 30, (rows, size, size, 1)).astype(np.uint8)
    label = np.arange(rows) % 2
    for image, across in zip(images, label, strict=True):
        place = random.integers(size)
        (image if across else image.transpose(1, 0, 2))[place] = 255
    return Frame("bars", {"image": images, "label": label}, [("bars", rows)], {"label": ["down", "across"]})


def make(name, data, **options):
    return getattr(generative, MODELS[name][0])(data, seed=1, **(QUICK | options))


def small(name, **options):
    narrow = {"latent_size": 4, "widths": (4, 8), "hidden": (16,)} if name != "vq-vae" else {
        "latent_size": 4, "widths": (8,), "vocabulary": 8, "prior_size": 8}  # fmt: skip
    return make(name, bars(), **({"batch_size": 16, "epochs": 2} | narrow | options))


def weights(model):
    return {name: value for name, value in model.tensors().items() if not name.startswith("random.")}


def samples(model, count=12):
    model.train(False)
    torch.manual_seed(3)
    with torch.no_grad():
        return model.sample(count, model.asked_for(count))


def corners_covered(points):
    """Return the shares of points near each corner, and how many are near none."""
    data = mixture()
    scale = np.stack([data.columns["x"], data.columns["y"]], 1)
    centres = torch.tensor((CENTRES - scale.mean(0)) / scale.std(0)).float()
    distance, nearest = torch.cdist(points, centres).min(1)
    near = distance < 0.35
    return [((nearest == corner) & near).float().mean().item() for corner in range(4)]


@pytest.mark.parametrize("name", list(MODELS))
class TestEach:
    def test_same_seed_same_weights_and_what_is_saved_makes_the_same(self, name, tmp_path):
        model, again = small(name).learn(), small(name).learn()
        for key, value in weights(model).items():
            np.testing.assert_array_equal(value, weights(again)[key], key)
        model.save(tmp_path / "model")
        loaded = type(model).load(tmp_path / "model", bars())
        torch.testing.assert_close(samples(loaded), samples(model), rtol=0, atol=0)
        assert loaded.evaluate() == model.evaluate()

    def test_goes_on_as_if_nothing_had_been(self, name, tmp_path):
        from sandlot.supervised.fitting.fit import fit

        whole, part = small(name), small(name)
        fit(whole, 9)
        fit(part, 4)
        # The best weights are taken up at the end of a training; going on is from where it stopped.
        part.save(tmp_path / "model")
        if part.best is None or part.best.step == part.step:
            resumed = type(part).load(tmp_path / "model", bars())
            fit(resumed, 9)
            for key, value in weights(resumed).items():
                np.testing.assert_array_equal(value, weights(whole)[key], key)

    def test_learns_in_bfloat16_nearly_what_it_learns_in_float32(self, name):
        rough, exact = (small(name, precision=precision).learn() for precision in ("bfloat16", "float32"))
        for key, value in rough.evaluate().items():
            assert value == pytest.approx(exact.evaluate()[key], rel=0.1, abs=0.3), key
        assert samples(rough).dtype == torch.float32

    def test_pictures_are_of_the_same_noise(self, name, tmp_path):
        model = small(name)
        first, second = model.plot_samples(tmp_path / "a"), model.plot_samples(tmp_path / "b")
        assert {"samples"} <= set(first)
        for key in first:
            assert first[key].read_bytes() == second[key].read_bytes()
        assert samples(model).shape == (12, 1, 8, 8)
        assert samples(model).min() >= 0
        assert samples(model).max() <= 1


class TestAutoencoders:
    @pytest.mark.parametrize("kind", [AE, DAE])
    def test_two_numbers_are_enough_for_a_plane(self, kind):
        model = kind(mixture(), seed=1, **QUICK, latent_size=2, hidden=(64,), epochs=40, learning_rate=3e-3)
        assert model.learn().evaluate()["loss"] < (0.02 if kind is AE else 0.3)

    def test_a_penalised_code_is_sparser(self):
        active = []
        for sparsity in (1e-3, 20.0):
            model = small("ae", sparsity=sparsity, epochs=12, learning_rate=3e-3).learn()
            with torch.no_grad():
                active.append(model.latent(model.some("train", 64)).mean().item())
        assert active[1] < 0.12 < active[0]

    def test_a_contracted_code_changes_less(self):
        slopes = []
        for contraction in (0.0, 3.0):
            model = small("ae", contraction=contraction, epochs=6).learn()
            x = model.rows(model.some("train", 16))
            with torch.no_grad():
                step = 1e-2 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
                moved = model.module.encode(x + step) - model.module.encode(x)
                slopes.append(moved.norm().item())
        assert slopes[1] < 0.7 * slopes[0]

    def test_a_vae_covers_all_corners_and_without_the_divergence_its_samples_do_not(self):
        near = []
        for beta in (1.0, 0.0):
            model = VAE(mixture(), seed=1, **QUICK, latent_size=2, hidden=(64,), epochs=40, beta=beta,
                        learning_rate=3e-3).learn()  # fmt: skip
            near.append(corners_covered(samples(model, 500)))
        assert min(near[0]) > 0.08
        assert sum(near[0]) > 0.5
        assert sum(near[1]) < sum(near[0]) - 0.2

    def test_beta_warms_up(self):
        model = small("vae", warm_up=0.5, beta=2.0)
        rising = []
        for progress in (0.0, 0.25, 0.5, 1.0):
            model.anneal(progress)
            rising.append(model.beta)
        assert rising == [0.0, 1.0, 2.0, 2.0]

    def test_a_conditional_vae_makes_the_class_it_is_asked_for(self):
        model = VAE(mixture(), seed=1, **QUICK, latent_size=2, hidden=(64,), epochs=15, conditional=True,
                    learning_rate=3e-3).learn()  # fmt: skip
        for corner in range(4):
            with torch.no_grad():
                made = model.sample(100, torch.full((100,), corner))
            assert corners_covered(made)[corner] > 0.9

    def test_a_vocabulary_is_used(self):
        model = small("vq-vae", epochs=25, vocabulary_decay=0.9)
        measures = model.learn().evaluate("train")
        assert measures["usage"] >= 0.7
        assert 1 < measures["perplexity"] <= 8


class TestAdversaries:
    def test_a_wgan_gp_covers_all_corners_and_without_its_penalty_it_fails(self):
        options = QUICK | {"network": "mlp", "hidden": (64, 64), "latent_size": 4, "learning_rate": 2e-3,
                           "n_critic": 2, "generator_average": 0.98}  # fmt: skip
        covered = {}
        for penalty in (0.3, 0.0):
            model = WGANGP(mixture(), seed=1, **options, penalty_weight=penalty, epochs=60)
            try:
                covered[penalty] = corners_covered(samples(model.learn(), 500))
            except SandlotError:
                covered[penalty] = [0.0]
        assert min(covered[0.3]) > 0.08
        assert sum(covered[0.3]) > 0.45
        assert sum(covered[0.0]) < sum(covered[0.3]) - 0.2

    def test_the_generator_takes_a_step_after_those_of_the_critic(self):
        model = small("wgan-gp", n_critic=3)
        loader = model.loader()
        before = model.learners["generator"].flat.clone()
        moved = []
        for step in range(3):
            model.train_step(loader.micro_batches(step, 1))
            model.step += 1
            moved.append(not torch.equal(model.learners["generator"].flat, before))
        assert moved == [False, False, True]
        assert model.learners["discriminator"].optimizer.steps == 3

    def test_each_player_moves_its_own_weights_alone(self):
        model = GAN(bars(), seed=1, hidden=(8,), batch_size=16)
        batch = model.loader().batch(0)
        maker, judge = model.learners["generator"], model.learners["discriminator"]
        before = judge.flat.clone()
        maker.step(model._with_noise(batch))
        torch.testing.assert_close(judge.flat, before, rtol=0, atol=0)
        assert judge.gradient.abs().sum() == 0


class TestMistakes:
    def says(self, sentence, make):
        with pytest.raises(SandlotError, match=sentence):
            make()

    def test_each_is_a_sentence(self):
        self.says("latent_size must be at least 1", lambda: AE(bars(), latent_size=0))
        self.says("latent_size of 65 is larger than the data", lambda: AE(bars(), latent_size=65))
        self.says("no class 'diagonal' to hold out", lambda: AE(bars(), latent_size=4, held_out="diagonal"))
        self.says("learns from images, and corners holds tables", lambda: VQVAE(mixture()))
        self.says("does not read tables", lambda: VAE(mixture(), latent_size=2, network="strided"))
        plain = Frame("plain", {"image": bars().columns["image"]}, [("plain", 160)])
        self.says("no column of classes", lambda: VAE(plain, latent_size=4, conditional=True))
        self.says("can't have one held out", lambda: VAE(bars(), latent_size=4, conditional=True, held_out="down"))
        self.says("beta must be at least 0", lambda: VAE(bars(), beta=-1.0))

    def test_a_model_needs_no_classes(self):
        plain = Frame("plain", {"image": bars().columns["image"]}, [("plain", 160)])
        assert VAE(plain, latent_size=4, epochs=1).learn().classes == []


def test_a_class_that_is_held_out_is_tested_alone():
    model = AE(bars(), seed=1, latent_size=4, held_out="down")
    assert model.classes == ["across"]
    labels = {
        name: set(model.subset(name).columns["label"][model.subset(name).rows].tolist()) for name in ("train", "test")
    }
    assert labels == {"train": {0}, "test": {-1, 0}}


def test_an_arc_keeps_the_length_and_a_line_does_not():
    first, last = torch.tensor([[3.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 3.0], [1.0, 0.0]])
    middle = between(first, last, 0.5, spherical=True)
    torch.testing.assert_close(middle, torch.tensor([[3 / 2**0.5, 3 / 2**0.5], [1.0, 0.0]]))
    torch.testing.assert_close(between(first, last, 0.5, spherical=False)[0], torch.tensor([1.5, 1.5]))
