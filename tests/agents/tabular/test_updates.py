"""The update of each algorithm, by hand."""

import numpy as np
import pytest
from gymnasium import spaces

from sandlot.agents import DoubleQLearning, ExpectedSarsa, QLearning, Sarsa
from sandlot.agents.base import Spaces
from sandlot.agents.tabular.double_q_learning import double_q_value
from sandlot.agents.tabular.expected_sarsa import expected_q_value
from sandlot.agents.tabular.exploration import EpsilonGreedy, mask_q_values
from sandlot.agents.tabular.q_learning import max_q_value
from sandlot.agents.tabular.sarsa import q_value_of
from sandlot.envs import Step

pytestmark = pytest.mark.shapes

AGENTS = [QLearning, Sarsa, ExpectedSarsa, DoubleQLearning]
TWO_BY_TWO = Spaces(spaces.Discrete(2), spaces.Discrete(2))
Q_VALUES = np.array([[1.0, 3.0], [5.0, 2.0]])


def test_bootstrap_values_by_hand():
    assert max_q_value(Q_VALUES).tolist() == [3.0, 5.0]
    assert q_value_of(Q_VALUES, np.array([0, 1])).tolist() == [1.0, 2.0]
    assert expected_q_value(Q_VALUES, np.array([[0.25, 0.75], [0.5, 0.5]])).tolist() == [2.5, 3.5]
    other = np.array([[7.0, 8.0], [9.0, 10.0]])
    assert double_q_value(Q_VALUES, other).tolist() == [8.0, 9.0], "the first table selects, the second evaluates"


def test_a_forbidden_action_has_no_part_in_the_expectation():
    masked = mask_q_values(np.array([[1.0, 9.0, 3.0]]), np.array([[True, False, True]]))
    assert expected_q_value(masked, EpsilonGreedy(0.5).probabilities(masked)).tolist() == [2.5]


def a_step(state, reward, *, terminated=False, truncated=False, valid=True, restart=None):
    """Return a step to `state`, after which the episode goes on in the state `restart` if one is given."""
    rows = [np.array([state if restart is None else restart]), np.array([state]), np.array([reward])]
    return Step(*rows, *(np.array([flag]) for flag in (terminated, truncated, valid, not valid)), None)


def after_one_update(agent_type, *, action=1, terminated=False, truncated=False, valid=True, **options):
    """Return the table after one step from state 0 to state 1 by `action`, with R = 1, α = 1/2 and γ = 0.8."""
    agent = agent_type(TWO_BY_TWO, learning_rate=0.5, gamma=0.8, epsilon=0.0, num_envs=1, **options)
    agent.reset(np.array([0]), 0)
    agent.q[:] = [[0.0, 4.0], [2.0, 6.0]]
    agent.current_action = np.array([action])
    agent.observe(a_step(1, 1.0, terminated=terminated, truncated=truncated, valid=valid))
    return agent.q


@pytest.mark.parametrize("agent_type", [QLearning, Sarsa, ExpectedSarsa])
def test_one_step_by_hand(agent_type):
    # (4 + (1 + 0.8 x 6)) / 2; the policy is greedy, so all three bootstrap from the best action.
    np.testing.assert_allclose(after_one_update(agent_type)[0], [[0.0, 4.9], [2.0, 6.0]])


def test_sarsa_bootstraps_from_the_action_that_it_takes_next():
    agent = Sarsa(TWO_BY_TWO, learning_rate=0.5, gamma=0.8, epsilon=1.0, num_envs=1)
    agent.reset(np.array([0]), 0)
    for _ in range(20):
        agent.q[:] = [[0.0, 4.0], [2.0, 6.0]]
        agent.current_state, agent.current_action = np.array([0]), np.array([1])
        agent.observe(a_step(1, 1.0))
        next_value = [2.0, 6.0][agent.current_action[0]]
        assert agent.q[0, 0, 1] == pytest.approx(0.5 * (4 + 1 + 0.8 * next_value))


def test_double_q_learning_updates_one_table():
    found = after_one_update(DoubleQLearning)
    assert sorted(found[:, 0, 1].tolist()) == [4.0, pytest.approx(4.9)]


@pytest.mark.parametrize("agent_type", AGENTS)
def test_values_bootstrap_through_truncation_and_not_through_termination(agent_type):
    assert {4.0, 2.5} >= set(after_one_update(agent_type, terminated=True)[:, 0, 1])
    assert pytest.approx(after_one_update(agent_type, truncated=True)[:, 0, 1].max()) == 4.9


@pytest.mark.parametrize("agent_type", AGENTS)
def test_a_step_that_only_resets_updates_nothing(agent_type):
    np.testing.assert_array_equal(after_one_update(agent_type, valid=False)[0], [[0.0, 4.0], [2.0, 6.0]])


def test_a_truncated_episode_bootstraps_from_its_own_last_observation():
    agent = QLearning(TWO_BY_TWO, learning_rate=1.0, gamma=1.0, num_envs=1)
    agent.reset(np.array([0]), 0)
    agent.q[:] = [[0.0, 0.0], [2.0, 6.0]]
    agent.current_action = np.array([1])
    agent.observe(a_step(1, 1.0, truncated=True, restart=0)._replace(episode_start=np.array([True])))
    assert agent.q[0, 0].tolist() == [0.0, 7.0]
    assert agent.current_state.tolist() == [0]


@pytest.mark.parametrize(("action", "learned"), [(1, 0.5), (0, 0.0)])
def test_watkins_traces_end_at_actions_that_are_not_greedy(action, learned):
    """The reward after the second action reaches the first only if the second one was greedy."""
    agent = QLearning(TWO_BY_TWO, learning_rate=0.5, gamma=1.0, num_envs=1, trace_decay=1.0)
    agent.reset(np.array([0]), 0)
    agent.q[:] = [[0.0, 0.0], [0.0, 1.0]]
    agent.current_action = np.array([0])
    agent.observe(a_step(1, -1.0))  # a TD error of -1 + 1 - 0
    agent.current_action = np.array([action])
    before = agent.q[0, 0, 0]
    agent.observe(a_step(0, 1.0 + agent.q[0, 1, action], terminated=True))  # a TD error of 1
    assert agent.q[0, 0, 0] - before == pytest.approx(learned)
