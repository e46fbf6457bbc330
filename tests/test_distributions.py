import pytest
import torch
from torch import distributions as reference

from supervised.networks import Bernoulli, Categorical, DiagonalGaussian, MultiCategorical


def pairs():
    torch.manual_seed(0)
    logits = torch.randn(4, 3, 5)
    mean, log_std = torch.randn(4, 3, 2), torch.randn(2)
    yield "categorical", Categorical(logits), reference.Categorical(logits=logits)
    yield "bernoulli", Bernoulli(logits), reference.Independent(reference.Bernoulli(logits=logits), 1)
    gaussian = reference.Independent(reference.Normal(mean, log_std.exp().expand_as(mean)), 1)
    yield "gaussian", DiagonalGaussian(mean, log_std), gaussian


@pytest.mark.parametrize(
    ("name", "ours", "theirs"), list(pairs()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_matches_torch(name, ours, theirs):
    action = theirs.sample()
    expected = theirs.log_prob(action)
    torch.testing.assert_close(ours.log_prob(action.long() if name != "gaussian" else action), expected)
    torch.testing.assert_close(ours.entropy(), theirs.entropy())
    assert ours.sample().shape == action.shape


def test_multi_categorical_is_the_product_of_its_parts():
    logits = torch.randn(6, 5)
    ours = MultiCategorical(logits, (2, 3))
    first, second = reference.Categorical(logits=logits[:, :2]), reference.Categorical(logits=logits[:, 2:])
    action = torch.stack([first.sample(), second.sample()], -1)
    torch.testing.assert_close(ours.log_prob(action), first.log_prob(action[:, 0]) + second.log_prob(action[:, 1]))
    torch.testing.assert_close(ours.entropy(), first.entropy() + second.entropy())
    assert (ours.mode() == torch.stack([first.probs.argmax(-1), second.probs.argmax(-1)], -1)).all()


@pytest.mark.parametrize("kind", [Categorical, Bernoulli])
def test_samples_come_as_often_as_they_should(kind):
    logits = torch.tensor([0.3, -1.0, 1.2])
    sample = kind(logits.expand(40_000, 3)).sample(torch.Generator().manual_seed(0))
    counts = torch.nn.functional.one_hot(sample, 3).float() if kind is Categorical else sample.float()
    expected = logits.softmax(-1) if kind is Categorical else logits.sigmoid()
    torch.testing.assert_close(counts.mean(0), expected, atol=0.01, rtol=0)


def test_gaussian_samples_have_its_mean_and_spread():
    mean, log_std = torch.tensor([1.0, -2.0]), torch.tensor([0.0, -1.0])
    sample = DiagonalGaussian(mean.expand(40_000, 2), log_std).sample(torch.Generator().manual_seed(0))
    torch.testing.assert_close(sample.mean(0), mean, atol=0.02, rtol=0)
    torch.testing.assert_close(sample.std(0), log_std.exp(), atol=0.02, rtol=0)


def test_samples_repeat_with_the_generator():
    distribution = Categorical(torch.randn(100, 7))
    first, second = (distribution.sample(torch.Generator().manual_seed(3)) for _ in range(2))
    assert (first == second).all()
    assert (first != distribution.sample(torch.Generator().manual_seed(4))).any()
