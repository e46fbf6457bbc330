import numpy as np
import pytest

from sandlot.agents.tabular.exploration import EpsilonGreedy, Softmax, annealed, mask_q_values

pytestmark = pytest.mark.shapes

Q_VALUES = np.array([[1.0, 3.0], [5.0, 2.0]])


def test_epsilon_greedy_probabilities_by_hand():
    np.testing.assert_allclose(EpsilonGreedy(0.2).probabilities(Q_VALUES), [[0.1, 0.9], [0.9, 0.1]])
    np.testing.assert_allclose(EpsilonGreedy(0.2).probabilities(np.zeros((1, 2))), [[0.5, 0.5]])
    masked = mask_q_values(np.array([[1.0, 9.0, 3.0]]), np.array([[True, False, True]]))
    np.testing.assert_allclose(EpsilonGreedy(0.5).probabilities(masked), [[0.25, 0.0, 0.75]])


def test_softmax_probabilities_by_hand():
    q_values = np.array([[0.0, np.log(3.0), -np.inf]])
    np.testing.assert_allclose(Softmax(1.0).probabilities(q_values), [[0.25, 0.75, 0.0]])


@pytest.mark.parametrize("exploration", [EpsilonGreedy(0.3), Softmax(0.7)], ids=lambda e: e.coefficient)
def test_actions_are_as_frequent_as_their_probabilities(exploration):
    q_values = np.array([[1.0, 2.0, -np.inf, 2.0]])
    actions = exploration.sample(np.repeat(q_values, 20_000, 0), np.random.default_rng(0))
    frequency = np.bincount(actions, minlength=4) / 20_000
    np.testing.assert_allclose(frequency, exploration.probabilities(q_values)[0], atol=0.015)


def test_schedules_by_hand():
    assert [annealed(1.0, 0.2, "linear", f) for f in (0.0, 0.5, 1.0, 3.0)] == pytest.approx([1.0, 0.6, 0.2, 0.2])
    assert [annealed(1.0, 0.01, "exponential", f) for f in (0.0, 0.5, 1.0)] == pytest.approx([1.0, 0.1, 0.01])
    assert annealed(0.3, 0.0, "constant", 0.9) == 0.3


def test_exploration_is_annealed_over_a_fraction_of_the_run():
    exploration = EpsilonGreedy(1.0, 0.2, "linear", fraction=0.5)
    exploration.anneal(0.25)
    assert exploration.value == pytest.approx(0.6)
    exploration.anneal(0.8)
    assert exploration.value == pytest.approx(0.2)
