import pytest
import torch

from supervised.networks import MLP, Fuse, NatureCNN, RunningNorm


def encoders():
    torch.manual_seed(0)
    yield "mlp", MLP(5, (8, 7)), torch.randn(6, 3, 5)
    yield "cnn", NatureCNN(3, 36, 40, feature_size=9), torch.rand(6, 3, 3, 36, 40)
    parts = {"a": MLP(5, (8,)), "b": NatureCNN(1, 36, 36, feature_size=9)}
    yield "fuse", Fuse(parts), {"a": torch.randn(6, 3, 5), "b": torch.rand(6, 3, 1, 36, 36)}


@pytest.mark.parametrize(
    ("name", "encoder", "inputs"), list(encoders()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_stepping_equals_running_the_whole_sequence(name, encoder, inputs):
    start = torch.zeros(6, 3, dtype=torch.bool)
    start[0], start[2, 1] = True, True
    whole, _ = encoder(inputs, encoder.initial_memory(3), start)
    memory, rows = encoder.initial_memory(3), []
    for t in range(6):
        row = {key: part[t : t + 1] for key, part in inputs.items()} if isinstance(inputs, dict) else inputs[t : t + 1]
        features, memory = encoder(row, memory, start[t : t + 1])
        rows.append(features)
    torch.testing.assert_close(torch.cat(rows), whole)
    assert whole.shape == (6, 3, encoder.feature_size)


def test_hidden_layers_are_orthogonal():
    weight = MLP(64, (64,)).layers[0].weight
    torch.testing.assert_close(weight @ weight.T, 2 * torch.eye(64), atol=1e-4, rtol=0)


def test_a_cnn_says_what_it_needs():
    with pytest.raises(ValueError, match="at least 36×36 pixels, not 20×36"):
        NatureCNN(3, 20, 36)


def test_running_norm_is_that_of_all_it_saw():
    torch.manual_seed(0)
    data = torch.randn(1000, 3) * torch.tensor([1.0, 5.0, 0.1]) + torch.tensor([0.0, 10.0, -3.0])
    norm = RunningNorm(3)
    for part in data.split([1, 99, 400, 500]):
        norm.update(part)
    norm.update(data[:0])
    torch.testing.assert_close(norm.mean, data.mean(0), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(norm.variance, data.var(0, correction=0), atol=1e-4, rtol=1e-3)
    scaled = norm(data)
    torch.testing.assert_close(scaled.mean(0), torch.zeros(3), atol=1e-3, rtol=0)
    assert norm(torch.full((1, 3), 1e9)).max() == 10
