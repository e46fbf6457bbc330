import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from sandlot.agents import DoubleQLearning, ExpectedSarsa, QLearning, QLearningConfig, Sarsa
from sandlot.agents.base import Spaces
from sandlot.agents.evaluation import evaluate, evaluate_id
from sandlot.agents.tabular.double_q_learning import judged_value
from sandlot.agents.tabular.expected_sarsa import expected_value
from sandlot.agents.tabular.exploration import (
    annealed,
    draw_epsilon_greedy,
    draw_softmax,
    epsilon_greedy_policy,
    legal,
    softmax_policy,
)
from sandlot.agents.tabular.planning import optimum, policy_iteration
from sandlot.agents.tabular.q_learning import best_value
from sandlot.agents.tabular.sarsa import action_value
from sandlot.agents.tabular.state_index import States
from sandlot.agents.tabular.td import OneStep, Traces, Transitions, Values, Window
from sandlot.envs import EnvSpec, Step, TabularVectorEnv, make, read_table, table_from
from sandlot.tracking import SandlotError
from tests.worlds import Chain, Endless

AGENTS = [QLearning, Sarsa, ExpectedSarsa, DoubleQLearning]
MULTI_STEP = [QLearning, Sarsa, ExpectedSarsa]
TWO_BY_TWO = Spaces(spaces.Discrete(2), spaces.Discrete(2))
WORTH = np.array([[1.0, 3.0], [5.0, 2.0]])
CHAIN = "tests/Chain-v0"


class TestBootstraps:
    def test_by_hand(self):
        assert best_value(WORTH).tolist() == [3.0, 5.0]
        assert action_value(WORTH, np.array([0, 1])).tolist() == [1.0, 2.0]
        assert expected_value(WORTH, np.array([[0.25, 0.75], [0.5, 0.5]])).tolist() == [2.5, 3.5]
        other = np.array([[7.0, 8.0], [9.0, 10.0]])
        assert judged_value(WORTH, other).tolist() == [8.0, 9.0], "the first chooses, the second judges"

    def test_policies_by_hand(self):
        np.testing.assert_allclose(epsilon_greedy_policy(WORTH, 0.2), [[0.1, 0.9], [0.9, 0.1]])
        np.testing.assert_allclose(epsilon_greedy_policy(np.zeros((1, 2)), 0.2), [[0.5, 0.5]])
        masked = legal(np.array([[1.0, 9.0, 3.0]]), np.array([[True, False, True]]))
        np.testing.assert_allclose(epsilon_greedy_policy(masked, 0.5), [[0.25, 0.0, 0.75]])
        odds = softmax_policy(np.array([[0.0, np.log(3.0), -np.inf]]), 1.0)
        np.testing.assert_allclose(odds, [[0.25, 0.75, 0.0]])
        assert expected_value(masked, epsilon_greedy_policy(masked, 0.5)).tolist() == [2.5]

    def test_draws_are_as_likely_as_the_policies_say(self):
        rng, worth = np.random.default_rng(0), np.array([[1.0, 2.0, -np.inf, 2.0]])
        many = np.repeat(worth, 20_000, 0)
        for draw, policy in (
            (draw_epsilon_greedy(many, 0.3, rng), epsilon_greedy_policy(worth, 0.3)),
            (draw_softmax(many, 0.7, rng), softmax_policy(worth, 0.7)),
        ):
            np.testing.assert_allclose(np.bincount(draw, minlength=4) / 20_000, policy[0], atol=0.015)


def one_update(agent_type, *, action=1, terminated=False, truncated=False, valid=True, **options):
    """Return the table after one step from state 0 to state 1 by `action`, with reward 1, alpha 1/2, gamma 0.8."""
    agent = agent_type(TWO_BY_TWO, learning_rate=0.5, gamma=0.8, epsilon=0.0, num_envs=1, **options)
    agent.reset(np.array([0]), 0)
    agent.q[:] = [[0.0, 4.0], [2.0, 6.0]]
    agent._action = np.array([action])
    agent.observe(a_step(1, 1.0, terminated, truncated, valid))
    return agent.q


def a_step(state, reward, terminated=False, truncated=False, valid=True, after=None):
    rows = [np.array([state if after is None else after]), np.array([state]), np.array([reward])]
    return Step(*rows, *(np.array([flag]) for flag in (terminated, truncated, valid, not valid)), None)


class TestUpdates:
    @pytest.mark.parametrize("agent_type", MULTI_STEP)
    def test_one_step_by_hand(self, agent_type):
        # (4 + (1 + 0.8 x 6)) / 2; greedy, so all three bootstrap from the best action.
        expected = [[0.0, 4.9], [2.0, 6.0]]
        np.testing.assert_allclose(one_update(agent_type)[0], expected)

    def test_double_q_moves_one_table(self):
        moved = one_update(DoubleQLearning)
        assert sorted(moved[:, 0, 1].tolist()) == [4.0, pytest.approx(4.9)]

    @pytest.mark.parametrize("agent_type", AGENTS)
    def test_nothing_comes_after_termination_and_something_after_truncation(self, agent_type):
        assert {4.0, 2.5} >= set(one_update(agent_type, terminated=True)[:, 0, 1])
        assert pytest.approx(one_update(agent_type, truncated=True)[:, 0, 1].max()) == 4.9

    @pytest.mark.parametrize("agent_type", AGENTS)
    def test_a_step_that_only_resets_teaches_nothing(self, agent_type):
        np.testing.assert_array_equal(one_update(agent_type, valid=False)[0], [[0.0, 4.0], [2.0, 6.0]])

    def test_truncated_episodes_bootstrap_from_where_they_ended(self):
        agent = QLearning(TWO_BY_TWO, learning_rate=1.0, gamma=1.0, num_envs=1)
        agent.reset(np.array([0]), 0)
        agent.q[:] = [[0.0, 0.0], [2.0, 6.0]]
        agent._action = np.array([1])
        agent.observe(a_step(1, 1.0, truncated=True, after=0)._replace(episode_start=np.array([True])))
        assert agent.q[0, 0].tolist() == [0.0, 7.0]
        assert agent._state.tolist() == [0]

    def test_sarsa_and_q_learning_are_told_apart(self):
        """While exploring, Sarsa learns what exploring costs; Q-learning does not."""
        values = {}
        for agent_type in (QLearning, Sarsa, ExpectedSarsa):
            agent = agent_type("CliffWalking-v1", epsilon=0.5, gamma=0.9, num_envs=256, seed=1, learning_rate=0.5)
            values[agent_type] = agent.learn(100_000).q[0, 25].max()  # beside the cliff
        known = read_table(gymnasium.make("CliffWalking-v1"))
        best = policy_iteration(known, 0.9).value[25]
        assert values[QLearning] == pytest.approx(best, abs=0.02)
        for agent_type in (Sarsa, ExpectedSarsa):
            assert values[agent_type] < best - 1

    def test_many_in_one_cell_move_it_as_one_after_another_would(self):
        together, apart = Values(3, 1.0, counted=False), Values(3, 1.0, counted=False)
        together.learning_rate = apart.learning_rate = 0.3
        together.move(np.array([2, 0, 2, 2]), np.array([5.0, 2.0, 5.0, 5.0]))
        for cell, target in ((2, 5.0), (0, 2.0), (2, 5.0), (2, 5.0)):
            apart.move(np.array([cell]), np.array([target]))
        np.testing.assert_allclose(together.q, apart.q)

    def test_rates_by_visits_make_means(self):
        values = Values(2, 9.0, counted=True)
        values.learning_rate, values.power = 1.0, 1.0
        for targets in ([1.0, 3.0], [5.0], [2.0, 4.0, 9.0]):
            values.move(np.zeros(len(targets), int), np.array(targets))
        assert values.q.tolist() == [pytest.approx(4.0), 9.0]
        assert values.visits.tolist() == [6, 0]


def credited(credit, steps, cuts=None):
    """Return the table of three cells after `steps` of (cell, reward, value, ended), alpha 1/2."""
    values = Values(3, 0.0, counted=False)
    values.learning_rate = 0.5
    for i, (cell, reward, value, ended) in enumerate(steps):
        cut = None if cuts is None else np.array([cuts[i][0]])
        before = None if cuts is None else np.array([cuts[i][1]])
        flags = (np.array([True]), np.array([ended]))
        credit.learn(values, Transitions(np.array([cell]), np.array([reward]), np.array([value]), *flags, cut, before))
    return values.q


EPISODE = [(0, 1.0, 7.0, False), (1, 2.0, 8.0, False), (2, 4.0, 0.0, True)]


class TestCredit:
    def test_n_steps_by_hand(self):
        found = credited(Window(0.5, 2, 1), EPISODE)
        np.testing.assert_allclose(found, [0.5 * (1 + 0.5 * 2 + 0.25 * 8), 0.5 * (2 + 0.5 * 4), 0.5 * 4])

    def test_one_step_windows_are_one_step(self):
        np.testing.assert_allclose(credited(Window(0.5, 1, 1), EPISODE), credited(OneStep(0.5), EPISODE))

    def test_a_window_longer_than_the_episode_is_monte_carlo(self):
        np.testing.assert_allclose(credited(Window(0.5, 9, 1), EPISODE), [0.5 * 3, 0.5 * 4, 0.5 * 4])

    @pytest.mark.parametrize("kind", ["accumulating", "replacing"])
    def test_traces_by_hand(self, kind):
        # Errors 1 + 0.5 x 7 = 4.5, then 6, then 4; the trace falls to 0.5 x 0.8 of itself.
        found = credited(Traces(0.5, 0.8, kind, 1, 3), EPISODE)
        np.testing.assert_allclose(found, [0.5 * (4.5 + 0.4 * 6 + 0.16 * 4), 0.5 * (6 + 0.4 * 4), 0.5 * 4])

    def test_traces_of_both_kinds_differ_where_a_cell_comes_twice(self):
        twice = [(0, 0.0, 0.0, False), (0, 1.0, 0.0, True)]
        assert credited(Traces(1.0, 0.5, "replacing", 1, 3), twice)[0] == pytest.approx(0.5)
        assert credited(Traces(1.0, 0.5, "accumulating", 1, 3), twice)[0] == pytest.approx(0.75)

    def test_lambda_zero_is_one_step(self):
        np.testing.assert_allclose(
            credited(Traces(0.5, 0.0, "replacing", 1, 3), EPISODE), credited(OneStep(0.5), EPISODE)
        )

    def test_lambda_one_is_monte_carlo(self):
        """If a value in the episode is that of the table, which does not move, errors sum to the return."""
        episode = [(0, 1.0, 0.0, False), (1, 2.0, 0.0, False), (2, 4.0, 0.0, True)]
        found = credited(Traces(0.5, 1.0, "accumulating", 1, 3), episode)
        np.testing.assert_allclose(found, credited(Window(0.5, 9, 1), EPISODE))
        np.testing.assert_allclose(found, [0.5 * 3, 0.5 * 4, 0.5 * 4])

    @pytest.mark.parametrize("make", [lambda: Window(0.5, 3, 1), lambda: Traces(0.5, 1.0, "replacing", 1, 3)])
    def test_episodes_do_not_mix(self, make):
        credit = make()
        first = credited(credit, EPISODE)
        np.testing.assert_allclose(credited(credit, EPISODE), first)

    def test_a_cut_keeps_what_follows_from_what_came_before(self):
        cuts = [(False, 0.0), (True, 7.0), (False, 0.0)]
        window = credited(Window(0.5, 9, 1), EPISODE, cuts)
        np.testing.assert_allclose(window, [0.5 * (1 + 0.5 * 7), 0.5 * (2 + 0.5 * 4), 0.5 * 4])
        traces = credited(Traces(0.5, 1.0, "replacing", 1, 3), EPISODE, cuts)
        np.testing.assert_allclose(traces, [0.5 * 4.5, 0.5 * (6 + 0.5 * 4), 0.5 * 4])

    def test_several_environments_on_one_trace_do_not_overshoot(self):
        values, traces = Values(2, 0.0, counted=False), Traces(0.9, 0.9, "replacing", 50, 2)
        values.learning_rate = 0.5
        rows = np.ones(50)
        for _ in range(20):
            traces.learn(values, Transitions(np.zeros(50, int), rows, 0 * rows, rows > 0, rows > 0, None, None))
        np.testing.assert_allclose(values.q, [1.0, 0.0])


def exact(agent):
    return agent.metrics()["exact/regret"]


@pytest.mark.parametrize("agent_type", AGENTS)
@pytest.mark.parametrize("slip", [0.0, 0.2])
def test_reaches_the_exact_optimum_of_a_small_world(agent_type, slip):
    config = agent_type.Config(num_envs=32, epsilon=1.0, final_epsilon=0.1, exploration_schedule="linear", gamma=0.97)
    agent = agent_type(EnvSpec(CHAIN, {"slip": slip}), seed=1, config=config).learn(12_000)
    assert exact(agent) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    "options",
    [
        {"n_steps": 4},
        {"trace_decay": 0.8},
        {"trace_decay": 0.8, "trace_kind": "accumulating"},
        {"exploration": "softmax", "temperature": 0.5, "exploration_schedule": "exponential"},
        {"learning_rate_schedule": "visits", "learning_rate": 1.0},
        {"learning_rate_schedule": "visits", "learning_rate": 1.0, "trace_decay": 0.5},
        {"learning_rate_schedule": "exponential", "final_learning_rate": 0.01},
        {"epsilon": 0.05, "initial_value": 1.0},
        {"num_envs": 1, "learning_rate": 0.5},
    ],
    ids=str,
)
@pytest.mark.parametrize("agent_type", MULTI_STEP)
def test_reaches_it_with_every_option(agent_type, options):
    given = {"num_envs": 32, "epsilon": 0.4, "gamma": 0.97} | options
    steps = 1_000 if given["num_envs"] == 1 else 8_000
    assert exact(agent_type(CHAIN, seed=2, **given).learn(steps)) == pytest.approx(0.0, abs=1e-9)


def test_an_agent_that_learns_nothing_does_not_reach_it():
    assert exact(QLearning(CHAIN, learning_rate=1e-12, initial_value=1.0, seed=1).learn(3_000)) > 0.5


def test_a_high_start_makes_it_look_around():
    """Without exploring, only optimism finds the far reward."""
    given = {"epsilon": 0.0, "learning_rate": 1.0, "gamma": 0.9, "num_envs": 1, "seed": 1}
    shy = QLearning(CHAIN, initial_value=-1.0, **given).learn(600)
    hopeful = QLearning(CHAIN, initial_value=2.0, **given).learn(600)
    assert exact(hopeful) == pytest.approx(0.0, abs=1e-9)
    assert exact(shy) > 0.5


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("agent_type", AGENTS)
def test_values_go_on_through_truncation_however_episodes_restart(agent_type, mode):
    class Discretely(gymnasium.ObservationWrapper):
        def __init__(self):
            super().__init__(Endless(4))
            self.observation_space = spaces.Discrete(1)

        def observation(self, observation):
            return 0

    env = SyncVectorEnv([Discretely] * 3, autoreset_mode=mode)
    agent = agent_type(env, gamma=0.5, learning_rate=0.5, epsilon=0.5).learn(600)
    np.testing.assert_allclose(agent.q, 2.0, rtol=0.02)


def test_bootstrapping_through_termination_would_be_noticed(monkeypatch):
    """The same world with its terminations hidden from the agent gives values that are too high."""
    given = {"gamma": 0.97, "epsilon": 0.5, "learning_rate": 0.3, "num_envs": 64, "seed": 1}
    honest = QLearning(CHAIN, **given).learn(10_000)
    observe = QLearning.observe
    monkeypatch.setattr(
        QLearning, "observe", lambda agent, step: observe(agent, step._replace(terminated=step.terminated & False))
    )
    wrong = QLearning(CHAIN, **given).learn(10_000)
    best = policy_iteration(read_table(Chain()), 0.97).value
    np.testing.assert_allclose(honest.q[0].max(1), best, atol=0.01)
    assert wrong.q[0].max(1).min() > best.max() + 1


def masked_env(allowed, n=32):
    known = read_table(Chain())
    known = known._replace(allowed=allowed, time_limit=20)
    mask = spaces.Box(0, 1, (2,), np.int8)
    shown = spaces.Dict({"observation": spaces.Discrete(5), "action_mask": mask})
    return TabularVectorEnv(known, n, shown, spaces.Discrete(2))


@pytest.mark.parametrize("agent_type", AGENTS)
@pytest.mark.parametrize("exploration", ["epsilon-greedy", "softmax"])
def test_what_is_forbidden_is_never_done_nor_counted_on(agent_type, exploration):
    allowed = np.ones((5, 2), bool)
    allowed[4, 1] = False  # the way out on the right is closed, so 0.3 on the left is the best
    env = masked_env(allowed)
    done, step = [], env.step
    env.step = lambda action: (done.append(allowed[env._state, action].all()), step(action))[1]
    # Worth of the forbidden, if it were counted on: 5 at the start, never corrected.
    options = {"initial_value": 5.0, "gamma": 0.9, "learning_rate": 0.3, "exploration": exploration, "epsilon": 0.3}
    agent = agent_type(env, seed=1, **options).learn(16_000)
    assert all(done)
    assert (agent.q[:, 4, 1] == 5.0).all()
    assert agent.q[:, allowed].max() < 1.0
    observation = {"action_mask": np.array([[1, 0], [0, 1]], np.int8), "observation": np.array([4, 4])}
    assert agent.predict(observation, deterministic=True)[0].tolist() == [0, 1]
    assert exact(agent) == pytest.approx(0.0, abs=1e-9)
    assert optimum(read_table(Chain())) == 1.0, "without the mask the right is better"


def test_a_mask_that_allows_nothing_allows_anything():
    states = States(masked_env(np.ones((5, 2), bool)).single_observation_space, "test")
    _, allowed = states.read({"observation": np.array([1, 2]), "action_mask": np.array([[0, 0], [0, 1]], np.int8)})
    assert allowed.tolist() == [[True, True], [False, True]]


@pytest.mark.parametrize(
    ("space", "observation", "expected"),
    [
        (spaces.Discrete(4, start=3), np.array([3, 6]), [0, 3]),
        (spaces.MultiDiscrete([2, 3], start=[1, 0]), np.array([[1, 2], [2, 1]]), [2, 4]),
        (spaces.MultiBinary(3), np.array([[0, 1, 1], [1, 0, 0]], np.int8), [3, 4]),
        (
            spaces.Tuple((spaces.Discrete(3), spaces.MultiDiscrete([2, 2]))),
            (np.array([0, 2]), np.array([[1, 1], [0, 1]])),
            [3, 9],
        ),
    ],
    ids=str,
)
def test_observations_are_numbered(space, observation, expected):
    states = States(space, "test")
    assert states.read(observation)[0].tolist() == expected
    samples = [space.sample() for _ in range(300)]
    batch = (
        tuple(np.array(part) for part in zip(*samples, strict=True))
        if isinstance(space, spaces.Tuple)
        else np.array(samples)
    )
    assert set(states.read(batch)[0].tolist()) == set(range(states.count)), "each state has a number of its own"


@pytest.mark.parametrize("agent_type", AGENTS)
def test_one_seed_gives_one_result(agent_type):
    tables = [agent_type("FrozenLake-v1", seed=seed).learn(1_500).q for seed in (1, 1, 2)]
    np.testing.assert_array_equal(tables[0], tables[1])
    assert (tables[0] != tables[2]).any()


@pytest.mark.parametrize(
    ("agent_type", "options"),
    [
        *((agent_type, {}) for agent_type in AGENTS),
        (QLearning, {"learning_rate_schedule": "visits", "n_steps": 3}),
        (Sarsa, {"exploration_schedule": "linear", "trace_decay": 0.7}),
    ],
)
def test_a_saved_agent_acts_the_same_and_learns_on_the_same(agent_type, options, tmp_path):
    agent = agent_type("FrozenLake-v1", seed=3, **options).learn(1_200)
    agent.save(tmp_path / "agent")
    loaded = agent_type.load(tmp_path / "agent")
    states = np.arange(16)
    np.testing.assert_array_equal(*(a.predict(states, deterministic=True)[0] for a in (agent, loaded)))
    for each in (agent, loaded):
        each.learn(2_500)
    for name, value in agent.tensors().items():
        np.testing.assert_array_equal(value, loaded.tensors()[name])
    assert agent.env_step == loaded.env_step


def test_predict_takes_one_or_many():
    agent = QLearning("Blackjack-v1", num_envs=2).learn(200)
    action, memory = agent.predict((14, 10, 0), deterministic=True)
    assert action.shape == ()
    assert memory is None
    assert agent.predict((np.array([14, 5]), np.array([10, 1]), np.array([0, 1])))[0].shape == (2,)
    first = Sarsa(Spaces(spaces.Discrete(3, start=1), spaces.Discrete(2, start=5)))
    assert first.predict(np.int64(2))[0] in (5, 6)
    assert first.predict(2, deterministic=True)[0] == 5


def test_blackjack_is_played_better_than_at_random():
    agent = QLearning("Blackjack-v1", num_envs=32, gamma=1.0, learning_rate=0.05, epsilon=0.3, seed=1).learn(20_000)
    assert evaluate_id(agent, "Blackjack-v1", episodes=600).mean > -0.22  # at random: -0.39
    assert agent.metrics() == {}


def test_an_evaluation_ends_even_if_no_episode_does(monkeypatch):
    monkeypatch.setattr("sandlot.agents.evaluation.GIVEN_UP_AFTER", 50)
    monkeypatch.setattr("sandlot.agents.tabular.planning.GIVEN_UP_AFTER", 50)
    agent = QLearning("CliffWalking-v1")  # knows nothing, so it goes up for ever
    evaluation = evaluate(agent, make("CliffWalking-v1", 2), episodes=4)
    assert evaluation.lengths.tolist() == [50] * 2
    assert evaluation.mean == -50 == agent.metrics()["exact/return"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"num_envs": 0}, "num_envs must be at least 1, not 0"),
        ({"gamma": 1.5}, r"gamma must be in \[0, 1\], not 1.5"),
        ({"learning_rate": 0.0}, r"learning_rate must be in \(0, 1\], not 0.0"),
        ({"temperature": 0.0}, "temperature must be positive, not 0.0"),
        ({"learning_rate_schedule": "exponential"}, "final_learning_rate must be positive"),
        ({"exploration_schedule": "exponential"}, "epsilon and final_epsilon must be positive"),
        ({"n_steps": 0}, "n_steps must be at least 1, not 0"),
        ({"trace_decay": 2.0}, r"trace_decay must be in \[0, 1\], not 2.0"),
        ({"trace_decay": 0.5, "n_steps": 3}, "n_steps must be 1 with eligibility traces"),
    ],
)
def test_absurd_numbers_are_refused(options, sentence):
    with pytest.raises(SandlotError, match=sentence):
        QLearningConfig(**options)


@pytest.mark.parametrize(
    ("space", "action", "sentence"),
    [
        (spaces.Box(0, 1, (2,)), spaces.Discrete(2), "q-learning keeps a table, so it reads Discrete"),
        (spaces.Discrete(2), spaces.Box(0, 1, (1,)), "q-learning can't act in the space Box"),
        (spaces.MultiDiscrete([100] * 8), spaces.Discrete(2), "would need a table of 20,000,000,000,000,000 values"),
    ],
    ids=str,
)
def test_spaces_without_a_table_are_a_sentence(space, action, sentence):
    with pytest.raises(SandlotError, match=sentence):
        QLearning(Spaces(space, action))


def test_what_falls_falls():
    assert [annealed(1.0, 0.2, "linear", f) for f in (0.0, 0.5, 1.0, 3.0)] == pytest.approx([1.0, 0.6, 0.2, 0.2])
    assert [annealed(1.0, 0.01, "exponential", f) for f in (0.0, 0.5, 1.0)] == pytest.approx([1.0, 0.1, 0.01])
    assert annealed(0.3, 0.0, "constant", 0.9) == 0.3


@pytest.mark.parametrize("env", ["FrozenLake-v1", "CliffWalking-v1", "Blackjack-v1", CHAIN])
def test_tables_are_drawn(env, tmp_path):
    agent = QLearning(env, num_envs=2).learn(300)
    assert agent.draw(tmp_path / "table.png")
    assert (tmp_path / "table.png").stat().st_size > 3_000


def test_exact_figures_are_of_the_greedy_policy():
    known = table_from({0: {0: [(1.0, 0, 1.0, True)], 1: [(1.0, 0, 3.0, True)]}}, np.ones(1))
    agent = QLearning(TabularVectorEnv(known, 1, spaces.Discrete(1), spaces.Discrete(2)))
    assert agent.metrics() == {"exact/return": 1.0, "exact/optimum": 3.0, "exact/regret": 2.0}
    agent.q[0, 0, 1] = 0.1
    assert exact(agent) == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["q-learning", "sarsa"])
def test_the_recipes_solve_the_lake(name):
    from sandlot.agents.recipes import recipe
    from sandlot.agents.registry import agent_class

    agent = agent_class(name)("FrozenLake-v1", seed=1).learn(recipe(name, "FrozenLake-v1")["steps"])
    assert agent.metrics()["exact/return"] > 0.98 * 0.7442


@pytest.mark.slow
def test_sarsa_takes_the_safe_path_and_q_learning_the_shortest():
    """And while they explore, the shortest path costs more: Sutton & Barto's example 6.6."""
    from sandlot.agents.recipes import recipe

    greedily, exploring = {}, {}
    for agent_type in (QLearning, Sarsa):
        steps = recipe(agent_type.name, "CliffWalking-v1")["steps"]
        agent = agent_type("CliffWalking-v1", seed=1).learn(steps)
        greedily[agent_type] = agent.metrics()["exact/return"]
        exploring[agent_type] = evaluate_id(agent, "CliffWalking-v1", episodes=300, deterministic=False).mean
    assert greedily == {QLearning: -13.0, Sarsa: -17.0}
    assert exploring[Sarsa] > exploring[QLearning] + 10
