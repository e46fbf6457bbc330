"""What differs on a GPU: cuDNN's recurrent kernels, bfloat16, and tensors that have to come back to the CPU."""

import pytest
import torch

from sandlot.supervised import Classifier, Forecaster, LanguageModel, Regressor
from sandlot.supervised.networks import Recurrent
from tests.supervised.datasets import SMALL, bar_images, frame_of, reviews, waves

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

TIME, BATCH = 14, 3


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16], ids=str)
def test_recurrent_networks_learn_in_evaluation_mode(kind, precision):
    torch.manual_seed(0)
    encoder = Recurrent(kind, 5, 6, layers=2).eval()
    inputs, episode_start = torch.randn(TIME, BATCH, 5), torch.rand(TIME, BATCH) < 0.2
    expected, after = encoder(inputs, encoder.initial_memory(BATCH), episode_start)
    encoder, inputs, episode_start = encoder.cuda(), inputs.cuda(), episode_start.cuda()
    with torch.autocast("cuda", torch.bfloat16, enabled=precision == torch.bfloat16):
        memory = encoder.initial_memory(BATCH)
        features, carried = encoder(inputs, memory, episode_start)
        features.float().square().sum().backward()
        stepped = []
        for row in range(TIME):
            one, memory = encoder(inputs[row : row + 1], memory, episode_start[row : row + 1])
            stepped.append(one)
    close = {"atol": 1e-4, "rtol": 1e-3} if precision == torch.float32 else {"atol": 5e-2, "rtol": 5e-2}
    torch.testing.assert_close(features.float().cpu(), expected, **close)
    torch.testing.assert_close(torch.cat(stepped).float().cpu(), expected, **close)
    for part, theirs in zip(*((state if kind == "lstm" else (state,)) for state in (carried, after)), strict=True):
        assert part.dtype == torch.float32
        torch.testing.assert_close(part.cpu(), theirs, **close)
    assert all(torch.isfinite(parameter.grad).all() for parameter in encoder.parameters())


TASKS = {
    "images": (Classifier, bar_images(), {"network": "cnn", "batch_size": 16}),
    "texts": (Classifier, reviews(), {"network": "gru", "tokenizer": "characters", **SMALL}),
    "tables": (Regressor, frame_of(x=[0.1 * row for row in range(100)], y=[1.0 * row for row in range(100)]), {}),
    "series": (Forecaster, waves(), {"network": "lstm", "window": 16, **SMALL}),
    "language": (LanguageModel, frame_of(text=["abcdefgh" * 400]), {"context_length": 16, **SMALL}),
}


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_tasks_train_evaluate_and_predict(kind, precision, tmp_path):
    task_class, data, options = TASKS[kind]
    task = task_class(data, device="cuda", precision=precision, epochs=2, seed=1, **options).learn()
    metrics = task.evaluate()
    task.interval(metrics)
    with torch.no_grad():
        task.plot_evaluation(task.subset("test"), tmp_path)
    if kind == "language":
        assert task.sample("abc", 5).startswith("abc")
    else:
        assert task.predict(data)
    task.save(tmp_path / "task")
    again = task_class.load(tmp_path / "task", data)
    assert again.evaluate() == pytest.approx(metrics, rel=1e-3, abs=1e-3)
