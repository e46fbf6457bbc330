import pytest
import torch

from sandlot.supervised.optimization.optimizers import OPTIMIZERS

THEIRS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
}
CASES = [(name, decay, momentum) for name in THEIRS for decay in (0.0, 0.1) for momentum in (0.0, 0.9)]


@pytest.mark.parametrize(("name", "decay", "momentum"), CASES)
def test_does_what_torch_does(name, decay, momentum):
    torch.manual_seed(0)
    ours, theirs = (torch.linspace(-1, 1, 50) for _ in range(2))
    options = {} if name == "sgd" else {"eps": 1e-5}
    if name in ("sgd", "rmsprop"):
        options["momentum"] = momentum
    optimizer = OPTIMIZERS[name](ours, decay, 1e-5, momentum)
    reference = THEIRS[name]([theirs], lr=0.01, weight_decay=decay, **options)
    for _ in range(20):
        gradient = torch.randn(50)
        optimizer.step(gradient.clone(), 0.01)
        theirs.grad = gradient
        reference.step()
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", THEIRS)
def test_goes_on_from_its_state(name):
    def steps(parameters, optimizer, seeds):
        for seed in seeds:
            optimizer.step(torch.randn(9, generator=torch.Generator().manual_seed(seed)), 0.1)
        return parameters

    whole = torch.zeros(9)
    steps(whole, OPTIMIZERS[name](whole, 0.0, 1e-5, 0.9), range(6))
    half = torch.zeros(9)
    first = OPTIMIZERS[name](half, 0.0, 1e-5, 0.9)
    steps(half, first, range(3))
    second = OPTIMIZERS[name](half, 0.0, 1e-5, 0.9)
    second.load_state_dict(first.state_dict())
    assert torch.equal(whole, steps(half, second, range(3, 6)))
