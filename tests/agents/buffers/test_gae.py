import numpy as np
import pytest

from sandlot.agents.buffers.rollout import gae
from sandlot.agents.policy.reward_normalizer import discounted_sums

GAMMA, LAMBDA = 0.5, 0.5


def columns(*rows):
    return [np.array(row, np.float32)[:, None] for row in rows]


def flags(*rows):
    return [np.array(row, bool)[:, None] for row in rows]


def test_gae_by_hand():
    reward, value, next_value = columns([1, 2, 3], [4, 2, 1], [2, 1, 8])
    never, _ = flags([0, 0, 0], [0, 0, 0])
    # deltas: 1 + 1 - 4 = -2; 2 + 0.5 - 2 = 0.5; 3 + 4 - 1 = 6; then discounted by gamma lambda = 0.25.
    expected = [-2 + 0.25 * (0.5 + 0.25 * 6), 0.5 + 0.25 * 6, 6]
    assert gae(reward, value, next_value, never, never, GAMMA, LAMBDA)[:, 0] == pytest.approx(expected)


def test_gae_stops_at_termination_and_bootstraps_through_truncation():
    reward, value, next_value = columns([1, 1, 1], [0, 0, 0], [10, 10, 10])
    terminated, truncated = flags([1, 0, 0], [0, 1, 0])
    advantage = gae(reward, value, next_value, terminated, truncated, GAMMA, LAMBDA)
    assert advantage[:, 0] == pytest.approx([1, 1 + 5, 1 + 5])


def test_the_wrong_handling_of_truncation_gives_other_numbers():
    reward, value, next_value = columns([1, 1], [0, 0], [10, 10])
    never, truncated = flags([0, 0], [1, 0])
    right = gae(reward, value, next_value, never, truncated, GAMMA, LAMBDA)
    as_termination = gae(reward, value, next_value, truncated, never, GAMMA, LAMBDA)
    ignored = gae(reward, value, next_value, never, never, GAMMA, LAMBDA)
    assert right[0, 0] == pytest.approx(6)
    assert as_termination[0, 0] == pytest.approx(1)
    assert ignored[0, 0] == pytest.approx(6 + 0.25 * 6)


def test_gae_with_lambda_one_is_the_discounted_return_minus_the_value():
    rng = np.random.default_rng(0)
    reward, value = rng.normal(size=(2, 20, 3)).astype(np.float32)
    last = rng.normal(size=3).astype(np.float32)
    never = np.zeros((20, 3), bool)
    advantage = gae(reward, value, np.vstack([value[1:], last]), never, never, 0.9, 1.0)
    discounted = sum(0.9**t * reward[t] for t in range(20)) + 0.9**20 * last
    assert advantage[0] == pytest.approx(discounted - value[0], abs=1e-4)
    assert advantage.dtype == np.float32


def test_discounted_sums_start_anew_after_an_end():
    reward, before = np.ones((3, 1), np.float32), np.array([2.0], np.float32)
    done = np.array([[False], [True], [False]])
    sums, carried = discounted_sums(reward, done, before, 0.5)
    assert sums[:, 0] == pytest.approx([2, 2, 1])
    assert carried == pytest.approx([1])
