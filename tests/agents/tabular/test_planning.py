import gymnasium
import numpy as np
import pytest

from sandlot.agents.tabular.planning import (
    GIVEN_UP_AFTER,
    action_values,
    greedy,
    optimal_return,
    policy_iteration,
    policy_return,
    value_iteration,
)
from sandlot.envs import EnvSpec, read_table, table_from
from sandlot.tracking import SandlotError
from tests.environments import Chain


def table(env, **kwargs):
    return read_table(EnvSpec(env, kwargs).single())


def two_states(time_limit=None):
    """Stay for 1, or go from 0 to 1 for 2 and from 1 to the end for 10."""
    transitions = {
        0: {0: [(1.0, 0, 1.0, False)], 1: [(1.0, 1, 2.0, False)]},
        1: {0: [(1.0, 1, 1.0, False)], 1: [(1.0, 0, 10.0, True)]},
    }
    return table_from(transitions, np.array([1.0, 0.0]), time_limit=time_limit)


def test_action_values_by_hand():
    q_values = action_values(two_states(), np.array([5.0, 7.0]), 0.5)
    np.testing.assert_allclose(q_values, [[1 + 2.5, 2 + 3.5], [1 + 3.5, 10.0]])  # nothing comes after the end


@pytest.mark.parametrize("plan", [value_iteration, policy_iteration])
def test_plans_by_hand(plan):
    # With gamma 1/2: from 1, leave for 10; from 0, go for 2 + 10/2 rather than stay for 1 + 7/2.
    found = plan(two_states(), 0.5)
    np.testing.assert_allclose(found.value, [7.0, 10.0], atol=1e-8)
    assert found.policy.tolist() == [1, 1]
    # With gamma 0.99 staying for ever is worth 100.
    found = plan(two_states(), 0.99)
    np.testing.assert_allclose(found.value, [101.0, 100.0], atol=1e-6)
    assert found.policy.tolist() == [1, 0]


@pytest.mark.parametrize(("limit", "best"), [(1, 2.0), (2, 12.0), (3, 13.0), (10, 20.0)])
def test_the_optimal_return_depends_on_the_time_limit(limit, best):
    assert optimal_return(two_states(limit)) == pytest.approx(best)


def test_policy_returns_by_hand():
    assert policy_return(two_states(5), np.array([0, 1])) == 5.0
    assert policy_return(two_states(5), np.array([1, 1])) == 12.0
    assert policy_return(two_states(5), np.array([1, 0])) == 6.0
    assert policy_return(two_states(), np.array([1, 1])) == 12.0
    assert policy_return(two_states(), np.array([0, 1])) == GIVEN_UP_AFTER


@pytest.mark.parametrize("slip", [0.0, 0.3])
def test_both_computations_of_a_return_agree(slip):
    known = read_table(Chain(6, slip))
    for policy in ([1] * 6, [0] * 6, [1, 1, 1, 0, 1, 1]):
        long = known._replace(time_limit=GIVEN_UP_AFTER)
        assert policy_return(known, np.array(policy)) == pytest.approx(policy_return(long, np.array(policy)))


@pytest.mark.parametrize("env", ["FrozenLake-v1", "FrozenLake8x8-v1", "CliffWalkingSlippery-v1"])
def test_value_iteration_and_policy_iteration_agree(env):
    known = table(env)
    by_value, by_policy = value_iteration(known, 0.95), policy_iteration(known, 0.95)
    np.testing.assert_allclose(by_value.value, by_policy.value, atol=1e-7)
    q_values = action_values(known, by_policy.value, 0.95)
    np.testing.assert_allclose(q_values[np.arange(len(q_values)), by_value.policy], q_values.max(1), atol=1e-7)


@pytest.mark.parametrize(
    ("env", "best"),
    [("FrozenLake-v1", 0.7442), ("FrozenLake8x8-v1", 0.9132), ("Taxi-v4", 7.93), ("CliffWalking-v1", -13.0)],
)
def test_optimal_returns_of_known_environments(env, best):
    known = table(env)
    assert optimal_return(known) == pytest.approx(best, abs=1e-4)
    assert policy_return(known, value_iteration(known, 0.99).policy) <= optimal_return(known) + 1e-9


def test_the_exact_return_is_the_mean_of_played_episodes():
    known, policy = table("FrozenLake-v1"), policy_iteration(table("FrozenLake-v1"), 0.99).policy
    env, returns = gymnasium.make("FrozenLake-v1", max_episode_steps=20), []
    state, _ = env.reset(seed=0)
    for _ in range(1500):
        over, total = False, 0.0
        while not over:
            state, reward, terminated, truncated, _ = env.step(int(policy[state]))
            total, over = total + float(reward), terminated or truncated
        returns.append(total)
        state, _ = env.reset()
    assert np.mean(returns) == pytest.approx(policy_return(known._replace(time_limit=20), policy), abs=0.04)
    assert policy_return(known, policy) > policy_return(known._replace(time_limit=20), policy) + 0.2


def test_masked_actions_are_not_planned():
    allowed = np.array([[True, False], [True, True]])
    known = two_states(3)._replace(allowed=allowed)
    assert optimal_return(known) == 3.0
    assert value_iteration(known, 0.5).policy.tolist() == [0, 1]
    assert greedy(np.array([[1.0, 2.0]]), np.array([[True, False]])).tolist() == [0]


def test_unbounded_values_are_an_error():
    with pytest.raises(SandlotError, match="did not converge in 50 sweeps; choose a gamma below 1"):
        value_iteration(two_states(), 1.0, sweeps=50)


def test_only_environments_with_known_transitions_have_a_table():
    assert read_table(gymnasium.make("CartPole-v1")) is None
    assert read_table(Chain()) is not None


def test_the_best_return_with_the_discount_of_the_frozen_lake_8x8_recipe():
    """Its optimal policy is 2.15 % below the optimal return, and no change in a single state improves it."""
    known = table("FrozenLake8x8-v1")
    policy = policy_iteration(known, 0.995).policy
    reached = policy_return(known, policy)
    assert reached == pytest.approx(0.8936, abs=1e-4)
    assert reached < 0.98 * optimal_return(known)
    for state in np.flatnonzero(~known.terminated.all((1, 2))):
        for action in range(4):
            other = policy.copy()
            other[state] = action
            assert policy_return(known, other) <= reached + 1e-9
