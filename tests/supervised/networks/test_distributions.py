import pytest
import torch
from torch import distributions as reference

from sandlot.supervised.networks import Bernoulli, Categorical, DiagonalGaussian, MultiCategorical, SquashedGaussian

pytestmark = pytest.mark.shapes


def pairs():
    torch.manual_seed(0)
    logits = torch.randn(4, 3, 5)
    mean, log_std = torch.randn(4, 3, 2), -torch.rand(2)  # far from ±1, where tanh loses digits
    yield "categorical", Categorical(logits), reference.Categorical(logits=logits)
    yield "bernoulli", Bernoulli(logits), reference.Independent(reference.Bernoulli(logits=logits), 1)
    squashed = [reference.Normal(mean, log_std.exp().expand_as(mean)), reference.transforms.TanhTransform(cache_size=1)]
    squashed = reference.Independent(reference.TransformedDistribution(*squashed), 1)
    yield "squashed", SquashedGaussian(mean, log_std), squashed
    gaussian = reference.Independent(reference.Normal(mean, log_std.exp().expand_as(mean)), 1)
    yield "gaussian", DiagonalGaussian(mean, log_std), gaussian


@pytest.mark.parametrize(
    ("name", "ours", "theirs"), list(pairs()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_matches_torch(name, ours, theirs):
    torch.manual_seed(1)
    action = theirs.sample()
    expected = theirs.log_prob(action)
    real = name in ("gaussian", "squashed")
    torch.testing.assert_close(ours.log_prob(action if real else action.long()), expected, atol=1e-3, rtol=1e-3)
    if name != "squashed":  # whose entropy has no closed form
        torch.testing.assert_close(ours.entropy(), theirs.entropy())
    assert ours.sample().shape == action.shape


def test_multi_categorical_is_a_product_of_categoricals():
    logits = torch.randn(6, 5)
    ours = MultiCategorical(logits, (2, 3))
    first, second = reference.Categorical(logits=logits[:, :2]), reference.Categorical(logits=logits[:, 2:])
    action = torch.stack([first.sample(), second.sample()], -1)
    torch.testing.assert_close(ours.log_prob(action), first.log_prob(action[:, 0]) + second.log_prob(action[:, 1]))
    torch.testing.assert_close(ours.entropy(), first.entropy() + second.entropy())
    assert (ours.mode() == torch.stack([first.probs.argmax(-1), second.probs.argmax(-1)], -1)).all()


@pytest.mark.parametrize("kind", [Categorical, Bernoulli])
def test_sample_frequencies_match_probabilities(kind):
    logits = torch.tensor([0.3, -1.0, 1.2])
    sample = kind(logits.expand(40_000, 3)).sample(torch.Generator().manual_seed(0))
    counts = torch.nn.functional.one_hot(sample, 3).float() if kind is Categorical else sample.float()
    expected = logits.softmax(-1) if kind is Categorical else logits.sigmoid()
    torch.testing.assert_close(counts.mean(0), expected, atol=0.01, rtol=0)


def test_gaussian_samples_have_its_moments():
    mean, log_std = torch.tensor([1.0, -2.0]), torch.tensor([0.0, -1.0])
    sample = DiagonalGaussian(mean.expand(40_000, 2), log_std).sample(torch.Generator().manual_seed(0))
    torch.testing.assert_close(sample.mean(0), mean, atol=0.02, rtol=0)
    torch.testing.assert_close(sample.std(0), log_std.exp(), atol=0.02, rtol=0)


def test_samples_depend_on_the_generator():
    distribution = Categorical(torch.randn(100, 7))
    first, second = (distribution.sample(torch.Generator().manual_seed(3)) for _ in range(2))
    assert (first == second).all()
    assert (first != distribution.sample(torch.Generator().manual_seed(4))).any()


def test_kl_matches_torch():
    torch.manual_seed(0)
    one, two = torch.randn(2, 6, 4)
    std = torch.tensor([0.1, -0.5, 0.3, 0.0])
    kl = reference.kl_divergence
    torch.testing.assert_close(
        Categorical(one).kl(Categorical(two)), kl(reference.Categorical(logits=one), reference.Categorical(logits=two))
    )
    torch.testing.assert_close(
        Bernoulli(one).kl(Bernoulli(two)),
        kl(reference.Bernoulli(logits=one), reference.Bernoulli(logits=two)).sum(-1),
    )
    gaussians = [reference.Normal(mean, spread.exp().expand_as(mean)) for mean, spread in ((one, std), (two, -std))]
    expected = kl(*gaussians).sum(-1)
    torch.testing.assert_close(DiagonalGaussian(one, std).kl(DiagonalGaussian(two, -std)), expected)
    torch.testing.assert_close(SquashedGaussian(one, std).kl(SquashedGaussian(two, -std)), expected)
    ours = MultiCategorical(one, (1, 3)).kl(MultiCategorical(two, (1, 3)))
    torch.testing.assert_close(ours, Categorical(one[:, 1:]).kl(Categorical(two[:, 1:])))


def test_squashed_samples_have_their_density():
    distribution = SquashedGaussian(torch.randn(50, 2), torch.zeros(2))
    action, log_prob = distribution.sample_with_log_prob(torch.Generator().manual_seed(0))
    torch.testing.assert_close(log_prob, distribution.log_prob(action), atol=2e-3, rtol=2e-3)
    assert action.abs().max() < 1
    far = SquashedGaussian(torch.full((1, 1), 20.0), torch.zeros(1))
    assert torch.isfinite(far.sample_with_log_prob()[1]).all()


def test_masked_choices_have_no_probability():
    logits, mask = torch.randn(1000, 4), torch.tensor([True, False, True, False])
    masked = Categorical(logits, mask.expand(1000, 4))
    assert set(masked.sample().tolist()) == {0, 2}
    assert set(masked.mode().tolist()) == {0, 2}
    expected = reference.Categorical(logits=logits[:, [0, 2]])
    torch.testing.assert_close(masked.entropy(), expected.entropy())
    torch.testing.assert_close(masked.log_prob(torch.full((1000,), 2)), expected.log_prob(torch.ones(1000)))
    both = MultiCategorical(logits, (2, 2), mask.expand(1000, 4))
    assert both.sample().unique().tolist() == [0]
    assert torch.isfinite(both.entropy()).all()
    switches = Bernoulli(logits, mask.expand(1000, 4))
    assert switches.sample()[:, [1, 3]].sum() == 0
    assert torch.isfinite(switches.entropy()).all()
