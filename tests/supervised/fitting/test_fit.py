"""The fit loop, on two clouds of points and a GAN of one number."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from sandlot.supervised import Classifier, FitConfig, Learner, LearnerConfig, Task, fit
from sandlot.supervised.data import Frame, ordered_split
from sandlot.supervised.fitting.lr_finder import find_learning_rate, steepest_rate
from sandlot.tracking import Run, SandlotError, read_metrics

pytestmark = pytest.mark.shapes


class TwoLearners(Task):
    """A GAN of one number: a generator that shifts noise, and a critic with clipped weights (Arjovsky et al., 2017)."""

    name = "two-learners"
    Config = FitConfig

    def find_columns(self, frame):
        return {}

    def split_rows(self, frame):
        return ordered_split(len(frame), 0.1, 0.0)

    def fit_preprocessing(self, train):
        return {"mean": float(train.numbers("x").mean())}

    def encode(self, frame):
        return {"x": torch.from_numpy(frame.numbers("x")).float()[:, None]}

    def build(self):
        self.generator, critic = nn.Linear(1, 1), nn.Linear(1, 1)
        slow = LearnerConfig(learning_rate=0.02, max_grad_norm=0.0)
        return {
            "critic": Learner(critic, self.critic_loss, replace(slow, learning_rate=0.1)),
            "generator": Learner(self.generator, self.generator_loss, slow),
        }

    def critic_loss(self, critic, batch):
        loss = critic(batch["fake"]).mean() - critic(batch["x"]).mean()
        return loss, {"distance": -loss.detach()}

    def generator_loss(self, generator, batch):
        loss = -self.learners["critic"].module(generator(batch["noise"])).mean()
        return loss, {"loss": loss.detach()}

    def train_step(self, batches):
        (batch,) = batches
        noise = torch.randn_like(batch["x"])
        for _ in range(3):
            with torch.no_grad():
                fake = self.generator(noise)
            self.learners["critic"].step({**batch, "fake": fake})
            self.learners["critic"].flat.clamp_(-0.3, 0.3)
        self.learners["generator"].step({"noise": noise})

    def compute_metrics(self, subset):
        return {"mean": float(self.generator(torch.randn(500, 1)).mean())}

    def plot_samples(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "numbers.png").write_bytes(b"picture")
        return {"numbers": folder / "numbers.png"}


def test_task_with_two_learners(tmp_path):
    frame = Frame("fives", {"x": 5 + np.random.default_rng(0).normal(size=400)}, [("fives", 400)])
    task = TwoLearners(frame, seed=1, epochs=30, batch_size=32)
    with Run.create(tmp_path, "two-learners-s1", {"axis": "step", "seed": 1, "steps": 330}, wandb="disabled") as run:
        task.learn(record=run)
        run.finish({"status": "finished"})
    assert task.evaluate("validation")["mean"] == pytest.approx(5, abs=0.7)
    rows = read_metrics(run.folder)
    assert {"train/critic/distance", "train/generator/loss"} <= set().union(*rows)
    assert sum("numbers" in row.get("media", {}) for row in rows) == 30
    assert [path.name for path in run.checkpoints()] == ["step-000000330"], "without a monitor, the newest is kept"
    again = TwoLearners.restore(run.checkpoint()[1], frame)
    assert again.evaluate("validation") == task.evaluate("validation")


def two_clouds(rows=120, seed=0):
    random = np.random.default_rng(seed)
    label = np.arange(rows) % 2
    points = random.normal(size=(rows, 2)) + 4 * label[:, None]
    return Frame("clouds", {"x": points[:, 0], "y": points[:, 1], "label": label}, [("clouds", rows)])


def clouds(**options):
    options = {"target": "label", "hidden": (16,), "batch_size": 16, "epochs": 8, "learning_rate": 1e-2} | options
    return Classifier(two_clouds(), seed=1, **options)


def weights(task):
    return {name: value.copy() for name, value in task.tensors().items() if not name.startswith("random.")}


def test_learns_to_classify_two_clouds():
    task = clouds().learn()
    assert task.evaluate("test")["accuracy"] == 1.0
    assert task.best.value == 1.0
    assert task.best.step == task.step, "of equals, the newest"


def test_weights_depend_on_the_seed_alone():
    first, second, other = clouds().learn(), clouds().learn(), Classifier(two_clouds(), seed=2, target="label").learn(1)
    for name, value in weights(first).items():
        np.testing.assert_array_equal(value, weights(second)[name])
    assert not np.array_equal(first.tensors()["split"], other.tensors()["split"])


def test_saved_task_evaluates_the_same(tmp_path):
    task = clouds(normalization="batch", dropout=0.3).learn()
    task.save(tmp_path / "task")
    again = Classifier.load(tmp_path / "task", two_clouds())
    assert again.evaluate("test") == task.evaluate("test")
    with pytest.raises(Exception, match="clouds has changed"):
        Classifier.load(tmp_path / "task", two_clouds(seed=1))


def test_training_leaves_the_global_random_state_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    clouds(dropout=0.5).learn(1)
    assert torch.equal(torch.rand(3), expected)


def test_early_stopping_restores_the_best_weights():
    task = clouds(learning_rate=10.0, optimizer="sgd", epochs=50, patience=2)
    fit(task)
    assert task.validations_since_best == 2
    assert task.step < 50 * task.loader().steps_per_epoch
    assert task.evaluate("validation")["accuracy"] == task.best.value


def test_gradient_accumulation_equals_the_whole_batch():
    whole, pieces = clouds(), clouds(accumulate=4)
    fit(whole, 3)
    fit(pieces, 3)
    for name, value in weights(whole).items():
        np.testing.assert_allclose(value, weights(pieces)[name], atol=1e-5)


def test_learning_rate_finder_suggests_the_steepest_rate():
    rates = np.geomspace(1e-4, 1e-1, 13).tolist()
    losses = [3.0, 3.0, 3.0, 2.9, 2.7, 2.2, 1.3, 0.9, 0.8, 0.8, 1.5, 4.0, 9.0]
    assert steepest_rate(rates, losses) == pytest.approx(rates[5], rel=2)
    with pytest.raises(SandlotError, match="the loss diverged at once"):
        steepest_rate(rates[:3], losses[:3])
    task = clouds()
    before = weights(task)
    test = find_learning_rate(task)
    assert 1e-5 < test.suggestion < 1.0
    assert test.losses[test.rates.index(test.suggestion)] > min(test.losses)
    task.rebuild(learning_rate=test.suggestion)
    for name, value in weights(task).items():
        np.testing.assert_array_equal(value, before[name])
