"""Every task and generative model on a GPU."""

import numpy as np
import pytest

import sandlot.generative as generative
import sandlot.supervised as supervised
from sandlot.generative import MODELS
from sandlot.supervised import TASKS
from tests.gpu.conftest import DEVICE


def write_series(folder):
    path = folder / "series.csv"
    path.write_text("value\n" + "\n".join(f"{np.sin(i / 7):.6f}" for i in range(400)))
    return str(path)


def write_text(folder):
    path = folder / "text.txt"
    path.write_text(" ".join(f"the {i % 13} cats and {i % 7} dogs;" for i in range(300)))
    return str(path)


def same(ours, theirs):
    return all(np.array_equal(ours[name], theirs[name]) for name in ours)


CASES = {
    **{name: (generative, MODELS, name, lambda folder: "digits", {}) for name in MODELS},
    "ae contractive": (generative, MODELS, "ae", lambda folder: "digits", {"contraction": 0.1}),
    "vae conditional": (generative, MODELS, "vae", lambda folder: "digits", {"conditional": True}),
    "classifier": (supervised, TASKS, "classifier", lambda folder: "digits", {}),
    "classifier vit": (supervised, TASKS, "classifier", lambda folder: "digits", {"network": "vit"}),
    "classifier table": (supervised, TASKS, "classifier", lambda folder: "iris", {}),
    "regressor": (supervised, TASKS, "regressor", lambda folder: "diabetes", {}),
    "forecaster": (supervised, TASKS, "forecaster", write_series, {}),
    "forecaster lstm": (supervised, TASKS, "forecaster", write_series, {"network": "lstm"}),
    "language-model": (
        supervised, TASKS, "language-model", write_text, {"tokenizer": "characters", "context_length": 16},
    ),
    "language-model lstm": (
        supervised, TASKS, "language-model", write_text,
        {"tokenizer": "characters", "context_length": 16, "network": "lstm"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_learns_the_same_from_the_same_seed_is_measured_and_loads(name, tmp_path):
    package, table, kind, write, options = CASES[name]
    kind = getattr(package, table[kind][0])
    data = write(tmp_path)
    first, second = (kind(data, seed=1, device=DEVICE, epochs=2, **options) for _ in range(2))
    first.learn()
    second.learn()
    assert same(first.tensors(), second.tensors()), "the same seed gave other weights"
    measures = first.evaluate()
    assert all(np.isfinite(value) for value in measures.values()), measures
    first.save(tmp_path / "task")
    loaded = kind.load(tmp_path / "task", data)
    assert loaded.evaluate() == pytest.approx(measures, rel=1e-4)
