import numpy as np
import pytest

from sandlot.agents.tabular.q_table import QTable
from sandlot.agents.tabular.td import EligibilityTraces, NStep, OneStep, TabularTransition

pytestmark = pytest.mark.shapes

EPISODE = [(0, 1.0, 7.0, False), (1, 2.0, 8.0, False), (2, 4.0, 0.0, True)]
"""Steps of (entry, reward, next value, done)."""


def a_table(num_entries, initial_value=0.0, learning_rate=0.5, visits_power=None):
    table = QTable(1, num_entries, 1, initial_value=initial_value, count_visits=visits_power is not None)
    table.learning_rate, table.visits_power = learning_rate, visits_power or 0.0
    return table


def learned(td, steps, resets=None):
    """Return the three entries of a table after `steps`, with α = 1/2 and (reset_trace, value) of each step."""
    table = a_table(3)
    for i, (entry, reward, next_value, done) in enumerate(steps):
        reset_trace, value = (None, None) if resets is None else (np.array([each]) for each in resets[i])
        flags = np.array([True]), np.array([done])
        numbers = np.array([entry]), np.array([reward]), np.array([next_value])
        td.update(table, TabularTransition(*numbers, *flags, reset_trace, value))
    return table.flat


class TestQTable:
    def test_entries_count_tables_then_states_then_actions(self):
        table = QTable(2, 3, 4)
        table.flat[table.entry(np.array([2, 1]), np.array([3, 0]), np.array([0, 1]))] = [5.0, 7.0]
        assert (table.q[0, 2, 3], table.q[1, 1, 0]) == (5.0, 7.0)

    def test_several_updates_of_an_entry_equal_updates_one_after_another(self):
        together, apart = a_table(3, 1.0, 0.3), a_table(3, 1.0, 0.3)
        together.update(np.array([2, 0, 2, 2]), np.array([5.0, 2.0, 5.0, 5.0]))
        for entry, target in ((2, 5.0), (0, 2.0), (2, 5.0), (2, 5.0)):
            apart.update(np.array([entry]), np.array([target]))
        np.testing.assert_allclose(together.flat, apart.flat)

    def test_a_step_size_of_one_over_visits_gives_means(self):
        table = a_table(2, 9.0, learning_rate=1.0, visits_power=1.0)
        for targets in ([1.0, 3.0], [5.0], [2.0, 4.0, 9.0]):
            table.update(np.zeros(len(targets), int), np.array(targets))
        assert table.flat.tolist() == [pytest.approx(4.0), 9.0]
        assert table.visits.tolist() == [6, 0]


class TestNStep:
    def test_two_steps_by_hand(self):
        expected = [0.5 * (1 + 0.5 * 2 + 0.25 * 8), 0.5 * (2 + 0.5 * 4), 0.5 * 4]
        np.testing.assert_allclose(learned(NStep(0.5, 2, 1), EPISODE), expected)

    def test_one_step_returns_equal_one_step_updates(self):
        np.testing.assert_allclose(learned(NStep(0.5, 1, 1), EPISODE), learned(OneStep(0.5), EPISODE))

    def test_more_steps_than_the_episode_are_monte_carlo(self):
        np.testing.assert_allclose(learned(NStep(0.5, 9, 1), EPISODE), [0.5 * 3, 0.5 * 4, 0.5 * 4])


class TestEligibilityTraces:
    @pytest.mark.parametrize("kind", ["accumulating", "replacing"])
    def test_by_hand(self, kind):
        # TD errors 1 + 0.5 x 7 = 4.5, then 6, then 4; traces decay by 0.5 x 0.8.
        expected = [0.5 * (4.5 + 0.4 * 6 + 0.16 * 4), 0.5 * (6 + 0.4 * 4), 0.5 * 4]
        np.testing.assert_allclose(learned(EligibilityTraces(0.5, 0.8, kind, 1, 3), EPISODE), expected)

    def test_kinds_differ_where_an_entry_is_visited_twice(self):
        twice = [(0, 0.0, 0.0, False), (0, 1.0, 0.0, True)]
        assert learned(EligibilityTraces(1.0, 0.5, "replacing", 1, 3), twice)[0] == pytest.approx(0.5)
        assert learned(EligibilityTraces(1.0, 0.5, "accumulating", 1, 3), twice)[0] == pytest.approx(0.75)

    def test_lambda_zero_is_one_step(self):
        traces = EligibilityTraces(0.5, 0.0, "replacing", 1, 3)
        np.testing.assert_allclose(learned(traces, EPISODE), learned(OneStep(0.5), EPISODE))

    def test_lambda_one_is_monte_carlo(self):
        """The TD errors sum to the return if next values are those of the table, which no update has changed yet."""
        episode = [(0, 1.0, 0.0, False), (1, 2.0, 0.0, False), (2, 4.0, 0.0, True)]
        found = learned(EligibilityTraces(0.5, 1.0, "accumulating", 1, 3), episode)
        np.testing.assert_allclose(found, learned(NStep(0.5, 9, 1), episode))
        np.testing.assert_allclose(found, [0.5 * 3, 0.5 * 4, 0.5 * 4])

    def test_several_environments_with_one_trace_do_not_overshoot(self):
        table, traces = a_table(2), EligibilityTraces(0.9, 0.9, "replacing", 50, 2)
        rows = np.ones(50)
        for _ in range(20):
            traces.update(table, TabularTransition(np.zeros(50, int), rows, 0 * rows, rows > 0, rows > 0))
        np.testing.assert_allclose(table.flat, [1.0, 0.0])


@pytest.mark.parametrize("make", [lambda: NStep(0.5, 3, 1), lambda: EligibilityTraces(0.5, 1.0, "replacing", 1, 3)])
def test_episodes_do_not_mix(make):
    td = make()
    first = learned(td, EPISODE)
    np.testing.assert_allclose(learned(td, EPISODE), first)


def test_a_reset_separates_earlier_actions_from_later_rewards():
    resets = [(False, 0.0), (True, 7.0), (False, 0.0)]
    n_step = learned(NStep(0.5, 9, 1), EPISODE, resets)
    np.testing.assert_allclose(n_step, [0.5 * (1 + 0.5 * 7), 0.5 * (2 + 0.5 * 4), 0.5 * 4])
    traces = learned(EligibilityTraces(0.5, 1.0, "replacing", 1, 3), EPISODE, resets)
    np.testing.assert_allclose(traces, [0.5 * 4.5, 0.5 * (6 + 0.5 * 4), 0.5 * 4])
