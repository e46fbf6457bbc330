"""Encoders: each obeys the one interface, with gradients, memory and errors."""

import pytest
import torch
from torch import nn

from sandlot.supervised.networks import (
    MLP,
    BoardCNN,
    CapsuleNet,
    CategoricalHead,
    Concat,
    ConvNet,
    Encoder,
    ImpalaCNN,
    NatureCNN,
    Recurrent,
    ResNet,
    Sequential,
    StridedCNN,
    Transformer,
    ViT,
)
from sandlot.supervised.networks.images.capsule import route, squash

pytestmark = pytest.mark.shapes

TIME, BATCH = 14, 3
VECTORS = torch.randn(TIME, BATCH, 5, generator=torch.Generator().manual_seed(0))
IMAGES = torch.rand(TIME, BATCH, 3, 36, 40, generator=torch.Generator().manual_seed(0))


class RunningAverage(Encoder):
    """The example of `Encoder`'s docstring, as a user would write it."""

    def __init__(self, input_size, decay=0.9):
        super().__init__()
        self.feature_size = input_size
        self.decay = nn.Parameter(torch.tensor(decay))

    def initial_memory(self, batch):
        return self.decay.new_zeros(batch, self.feature_size)

    def forward(self, inputs, memory, episode_start):
        features = []
        for row, start in zip(inputs, episode_start, strict=True):
            memory = torch.where(start[:, None], 0.0, memory)
            memory = self.decay * memory + (1 - self.decay) * row
            features.append(memory)
        return torch.stack(features), memory


def encoders():
    torch.manual_seed(0)
    yield "mlp", MLP(5, (8, 7)), VECTORS
    yield "mlp-normed", MLP(5, (8, 7), normalization="layer", dropout=0.5).eval(), VECTORS
    yield "mlp-batch", MLP(5, (8, 7), normalization="batch").eval(), VECTORS
    yield "cnn", NatureCNN(3, 36, 40, feature_size=9), IMAGES
    yield "convnet", ConvNet(3, 36, 40).eval(), IMAGES
    yield "impala", ImpalaCNN(3, 36, 40), IMAGES
    yield "impala-average", ImpalaCNN(3, 36, 40, pooling="average"), IMAGES
    yield "resnet", ResNet(3), IMAGES
    yield "vit", ViT(3, 36, 40), IMAGES
    yield "strided", StridedCNN(3, 36, 40, (4, 8)), IMAGES
    yield "capsule", CapsuleNet(3, 36, 40), IMAGES
    for kind in ("rnn", "lstm", "gru"):
        yield kind, Recurrent(kind, 5, 6), VECTORS
        yield f"{kind}-2", Recurrent(kind, 5, 6, layers=2), VECTORS
    for gating in (False, True):
        network = Transformer(5, size=8, layers=2, heads=2, length=4, gating=gating)
        for layer in network.layers:
            nn.init.normal_(layer.bias)
        yield f"transformer{'-gated' * gating}", network, VECTORS
    yield "concat", Concat({"a": MLP(5, (8,)), "b": NatureCNN(3, 36, 40, feature_size=9)}), {"a": VECTORS, "b": IMAGES}
    yield "cnn+lstm", Sequential([NatureCNN(3, 36, 40, feature_size=9), Recurrent("lstm", 9, 6)]), IMAGES
    memories = {"a": Recurrent("gru", 5, 4), "b": Transformer(5, 8, 1, 2, 4)}
    yield "concat with memories", Concat(memories), {"a": VECTORS, "b": VECTORS}
    yield "board", BoardCNN(5, 1, 1), VECTORS
    yield "user-defined", RunningAverage(5), VECTORS


def rows(inputs, first, last):
    return {key: part[first:last] for key, part in inputs.items()} if isinstance(inputs, dict) else inputs[first:last]


def resets():
    episode_start = torch.zeros(TIME, BATCH, dtype=torch.bool)
    episode_start[0, 0], episode_start[2, 1], episode_start[3, 1], episode_start[9, 1], episode_start[TIME - 1, 2] = (
        True,
        True,
        True,
        True,
        True,
    )
    return episode_start


ENCODERS = list(encoders())
WITH_MEMORY = [case for case in ENCODERS if case[0].split("-")[0] in ("rnn", "lstm", "gru", "transformer")]


def name(value):
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize(("title", "encoder", "inputs"), ENCODERS, ids=name)
@pytest.mark.parametrize("parts", [1, 3, 7], ids=lambda parts: f"{parts} at a time")
def test_stepping_equals_running_the_whole_sequence(title, encoder, inputs, parts):
    episode_start = resets()
    # A memory with something in it, as a segment in the middle of an episode has.
    _, before = encoder(inputs, encoder.initial_memory(BATCH), torch.zeros_like(episode_start))
    whole, after = encoder(inputs, before, episode_start)
    memory, features = before, []
    for first in range(0, TIME, parts):
        piece, memory = encoder(rows(inputs, first, first + parts), memory, episode_start[first : first + parts])
        features.append(piece)
    torch.testing.assert_close(torch.cat(features), whole, atol=1e-5, rtol=1e-4)
    last = torch.zeros(1, BATCH, dtype=torch.bool)
    again, _ = encoder(rows(inputs, 0, 1), after, last)
    stepped, _ = encoder(rows(inputs, 0, 1), memory, last)
    torch.testing.assert_close(again, stepped, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(encoder.features(inputs, before, episode_start), whole, atol=1e-5, rtol=1e-4)
    assert whole.shape == (TIME, BATCH, encoder.feature_size)


@pytest.mark.parametrize(("title", "encoder", "inputs"), WITH_MEMORY, ids=name)
def test_memory_reaches_back_but_not_across_episodes(title, encoder, inputs):
    episode_start = torch.zeros(TIME, BATCH, dtype=torch.bool)
    episode_start[7] = True
    changed = inputs.clone()
    changed[5] += 1.0
    memory = encoder.initial_memory(BATCH)
    before, after = encoder(inputs, memory, episode_start)[0], encoder(changed, memory, episode_start)[0]
    assert torch.equal(before[:5], after[:5]), "the future is not seen"
    assert not torch.allclose(before[6], after[6]), "the past is"
    assert torch.equal(before[7:], after[7:]), "but not that of another episode"


@pytest.mark.parametrize(("title", "encoder", "inputs"), ENCODERS, ids=name)
def test_gradients_reach_every_parameter(title, encoder, inputs):
    encoder.zero_grad()
    encoder.features(inputs, encoder.initial_memory(BATCH), resets()).square().sum().backward()
    for parameter_name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert torch.isfinite(parameter.grad).all()


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 2])
def test_gradients_of_a_sequence_equal_those_of_stepping(kind, layers):
    torch.manual_seed(0)
    encoder, episode_start = Recurrent(kind, 5, 6, layers), resets()
    weight = torch.randn(TIME, BATCH, 6)

    def gradients(run):
        inputs = VECTORS.clone().requires_grad_()
        loss = (run(inputs) * weight).sum()
        return torch.autograd.grad(loss, [inputs, *encoder.parameters()])

    def stepping(inputs):
        memory, features = encoder.initial_memory(BATCH), []
        for t in range(TIME):
            row, memory = encoder(inputs[t : t + 1], memory, episode_start[t : t + 1])
            features.append(row)
        return torch.cat(features)

    whole = gradients(lambda inputs: encoder.features(inputs, encoder.initial_memory(BATCH), episode_start))
    for ours, expected in zip(whole, gradients(stepping), strict=True):
        torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_gates_are_initialised_to_keep_the_state(kind):
    encoder = Recurrent(kind, 5, 6)
    for name, parameter in encoder.cell.named_parameters():
        if "weight" in name:
            nn.init.zeros_(parameter)
    ones = torch.ones(BATCH, 1, 6)
    memory = (torch.zeros_like(ones), ones) if kind == "lstm" else ones
    _, after = encoder(VECTORS[:1], memory, torch.zeros(1, BATCH, dtype=torch.bool))
    torch.testing.assert_close(after[1] if kind == "lstm" else after, torch.tensor(1.0).sigmoid() * ones)


def test_transformer_forgets_beyond_its_memory_length():
    network = Transformer(5, size=8, layers=1, heads=2, length=4)
    episode_start = torch.zeros(TIME, BATCH, dtype=torch.bool)
    changed = VECTORS.clone()
    changed[2] += 1.0
    memory = network.initial_memory(BATCH)
    before, after = network(VECTORS, memory, episode_start)[0], network(changed, memory, episode_start)[0]
    assert not torch.allclose(before[6], after[6])
    torch.testing.assert_close(before[7:], after[7:])


def test_transformer_positions_are_relative():
    """Positions are distances: the same steps later in a sequence give the same features."""
    network = Transformer(5, size=8, layers=2, heads=2, length=3)
    nn.init.normal_(network.layers[0].bias)
    episode_start = torch.zeros(9, BATCH, dtype=torch.bool)
    episode_start[0] = True
    same = VECTORS[:9]
    later = torch.cat([torch.randn(4, BATCH, 5), same])
    shifted = torch.cat([torch.zeros(4, BATCH, dtype=torch.bool), episode_start])
    memory = network.initial_memory(BATCH)
    torch.testing.assert_close(network(later, memory, shifted)[0][4:], network(same, memory, episode_start)[0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NatureCNN(3, 20, 36), "at least 36×36 pixels, not 20×36"),
        (lambda: ImpalaCNN(3, 4, 36), "at least 8×8 pixels"),
        (lambda: CapsuleNet(3, 9, 36), "at least 15×15 pixels"),
        (lambda: Transformer(5, size=64, heads=5), "5 heads don't divide a transformer of size 64; try 4"),
        (lambda: Transformer(5, length=0), "must hold at least 1 step, not 0"),
        (lambda: ViT(3, 36, 36, size=10, heads=3), "3 heads don't divide a ViT of size 10"),
        (lambda: Recurrent("gru", 5, 0), "at least 1 unit"),
        (lambda: CategoricalHead(3, 2, 5.0, 1.0), "lowest value must be below its highest"),
    ],
)
def test_invalid_arguments_raise(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_hidden_layers_are_orthogonal():
    weight = MLP(64, (64,)).layers[0].weight
    torch.testing.assert_close(weight @ weight.T, 2 * torch.eye(64), atol=1e-4, rtol=0)


def test_dropout_is_for_learning_only():
    network = MLP(5, (64,), dropout=0.5)
    dropped = (network.train().encode(VECTORS[0]) == 0).float().mean()
    assert 0.3 < dropped < 0.7
    assert (network.eval().encode(VECTORS[0]) == 0).float().mean() < 0.1


def test_a_pattern_on_a_board_is_the_same_in_every_place():
    network = BoardCNN(6, 7, 2, features=3)
    boards = torch.zeros(2, 6, 7, 2)
    boards[0, 1:4, 1:3, 0] = boards[1, 2:5, 2:4, 0] = 1.0
    windows = network.encode(boards.flatten(1)).detach().unflatten(1, (3, 3, 4))
    assert windows.count_nonzero() > 0
    torch.testing.assert_close(windows[1, :, 1:, 1:], windows[0, :, :-1, :-1])
    assert BoardCNN(3, 3, 2, features=5).feature_size == 5, "a small board is one window"


def test_capsules_agree_by_routing():
    poses = torch.zeros(1, 4, 2, 3)
    poses[0, :, 0] = torch.tensor([3.0, 0.0, 0.0])  # all four predict the same pose for the first capsule
    poses[0, :, 1] = torch.eye(4)[:, :3] * 3  # and different ones for the second
    once, routed = (route(poses, rounds).norm(dim=-1)[0] for rounds in (1, 3))
    assert routed[0] > once[0], "agreement lengthens"
    assert routed[1] < once[1], "and draws the votes from where there is none"
    lengths = squash(torch.tensor([[1e-3, 0.0], [100.0, 0.0]])).norm(dim=-1)
    torch.testing.assert_close(lengths, torch.tensor([1e-6, 1.0]), atol=1e-3, rtol=0)


def test_transformer_without_memory_slots_equals_empty_slots():
    torch.manual_seed(0)
    network = Transformer(5, size=8, layers=2, heads=2, length=4)
    episode_start = resets()
    empty, none = (
        network(VECTORS, memory, episode_start) for memory in (network.initial_memory(BATCH), network.no_memory(BATCH))
    )
    torch.testing.assert_close(empty[0], none[0])
    step = network(VECTORS[:1], none[1], episode_start[1:2])[0]
    torch.testing.assert_close(step, network(VECTORS[:1], empty[1], episode_start[1:2])[0])


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_recurrent_cells_stay_in_training_mode(kind):
    encoder = Sequential([MLP(5, (4,)), Recurrent(kind, 4, 6)]).eval()
    cells = [module for module in encoder.modules() if isinstance(module, nn.RNNBase)]
    assert not encoder.training
    assert all(cell.training for cell in cells), "or cuDNN computes no gradients"


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("rows", [1, TIME])
def test_memory_keeps_its_precision_under_autocast(kind, rows):
    encoder = Recurrent(kind, 5, 6)
    with torch.autocast("cpu", torch.bfloat16):
        _, memory = encoder(VECTORS[:rows], encoder.initial_memory(BATCH), resets()[:rows])
    assert all(state.dtype == torch.float32 for state in (memory if kind == "lstm" else (memory,)))
