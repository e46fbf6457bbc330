"""Tabular agents learn: exact optima of small environments, same seed same table, saving, recipes."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from sandlot.agents import DoubleQLearning, ExpectedSarsa, QLearning, QLearningConfig, Sarsa
from sandlot.agents.base import Spaces
from sandlot.agents.evaluation import evaluate
from sandlot.agents.tabular.planning import optimal_return, policy_iteration
from sandlot.envs import EnvSpec, TabularVectorEnv, make, read_table, table_from
from sandlot.tracking import SandlotError
from tests.environments import Chain, Endless

AGENTS = [QLearning, Sarsa, ExpectedSarsa, DoubleQLearning]
MULTI_STEP = [QLearning, Sarsa, ExpectedSarsa]
CHAIN = "tests/Chain-v0"


def regret(agent):
    return agent.metrics()["exact/regret"]


def test_sarsa_learns_the_cost_of_exploring_and_q_learning_does_not():
    values = {}
    for agent_type in (QLearning, Sarsa, ExpectedSarsa):
        agent = agent_type("CliffWalking-v1", epsilon=0.5, gamma=0.9, num_envs=256, seed=1, learning_rate=0.5)
        values[agent_type] = agent.learn(100_000).q[0, 25].max()  # beside the cliff
    optimal = policy_iteration(read_table(gymnasium.make("CliffWalking-v1")), 0.9).value[25]
    assert values[QLearning] == pytest.approx(optimal, abs=0.02)
    for agent_type in (Sarsa, ExpectedSarsa):
        assert values[agent_type] < optimal - 1


@pytest.mark.parametrize("agent_type", AGENTS)
@pytest.mark.parametrize("slip", [0.0, 0.2])
def test_learns_the_optimum_of_a_small_world(agent_type, slip):
    config = agent_type.Config(num_envs=32, epsilon=1.0, final_epsilon=0.1, exploration_schedule="linear", gamma=0.97)
    agent = agent_type(EnvSpec(CHAIN, {"slip": slip}), seed=1, config=config).learn(12_000)
    assert regret(agent) == pytest.approx(0.0, abs=1e-9)


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
def test_learns_it_with_every_option(agent_type, options):
    given = {"num_envs": 32, "epsilon": 0.4, "gamma": 0.97} | options
    steps = 1_000 if given["num_envs"] == 1 else 8_000
    assert regret(agent_type(CHAIN, seed=2, **given).learn(steps)) == pytest.approx(0.0, abs=1e-9)


def test_without_a_learning_rate_it_is_not_learned():
    assert regret(QLearning(CHAIN, learning_rate=1e-12, initial_value=1.0, seed=1).learn(3_000)) > 0.5


def test_optimistic_initial_values_make_it_explore():
    """With a greedy policy, only optimism finds the far reward."""
    given = {"epsilon": 0.0, "learning_rate": 1.0, "gamma": 0.9, "num_envs": 1, "seed": 1}
    pessimist = QLearning(CHAIN, initial_value=-1.0, **given).learn(600)
    optimist = QLearning(CHAIN, initial_value=2.0, **given).learn(600)
    assert regret(optimist) == pytest.approx(0.0, abs=1e-9)
    assert regret(pessimist) > 0.5


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("agent_type", AGENTS)
def test_values_bootstrap_through_truncation_in_every_autoreset_mode(agent_type, mode):
    class OneState(gymnasium.ObservationWrapper):
        def __init__(self):
            super().__init__(Endless(4))
            self.observation_space = spaces.Discrete(1)

        def observation(self, observation):
            return 0

    env = SyncVectorEnv([OneState] * 3, autoreset_mode=mode)
    agent = agent_type(env, gamma=0.5, learning_rate=0.5, epsilon=0.5).learn(600)
    np.testing.assert_allclose(agent.q, 2.0, rtol=0.02)


def test_bootstrapping_through_termination_gives_values_too_high(monkeypatch):
    """The negative test: the same world with its terminations hidden from the agent."""
    given = {"gamma": 0.97, "epsilon": 0.5, "learning_rate": 0.3, "num_envs": 64, "seed": 1}
    right = QLearning(CHAIN, **given).learn(10_000)
    observe = QLearning.observe
    monkeypatch.setattr(
        QLearning, "observe", lambda agent, step: observe(agent, step._replace(terminated=step.terminated & False))
    )
    wrong = QLearning(CHAIN, **given).learn(10_000)
    optimal = policy_iteration(read_table(Chain()), 0.97).value
    np.testing.assert_allclose(right.q[0].max(1), optimal, atol=0.01)
    assert wrong.q[0].max(1).min() > optimal.max() + 1


def masked_env(allowed, n=32):
    known = read_table(Chain())
    known = known._replace(allowed=allowed, time_limit=20)
    mask = spaces.Box(0, 1, (2,), np.int8)
    shown = spaces.Dict({"observation": spaces.Discrete(5), "action_mask": mask})
    return TabularVectorEnv(known, n, shown, spaces.Discrete(2))


@pytest.mark.parametrize("agent_type", AGENTS)
@pytest.mark.parametrize("exploration", ["epsilon-greedy", "softmax"])
def test_forbidden_actions_are_neither_taken_nor_bootstrapped_from(agent_type, exploration):
    allowed = np.ones((5, 2), bool)
    allowed[4, 1] = False  # the way out on the right is closed, so 0.3 on the left is the best
    env = masked_env(allowed)
    taken, step = [], env.step
    env.step = lambda action: (taken.append(allowed[env._state, action].all()), step(action))[1]
    # If the forbidden action were bootstrapped from, its value of 5 would never be corrected.
    options = {"initial_value": 5.0, "gamma": 0.9, "learning_rate": 0.3, "exploration": exploration, "epsilon": 0.3}
    agent = agent_type(env, seed=1, **options).learn(16_000)
    assert all(taken)
    assert (agent.q[:, 4, 1] == 5.0).all()
    assert agent.q[:, allowed].max() < 1.0
    observation = {"action_mask": np.array([[1, 0], [0, 1]], np.int8), "observation": np.array([4, 4])}
    assert agent.predict(observation, deterministic=True)[0].tolist() == [0, 1]
    assert regret(agent) == pytest.approx(0.0, abs=1e-9)
    assert optimal_return(read_table(Chain())) == 1.0, "without the mask the right is better"


@pytest.mark.parametrize("agent_type", AGENTS)
def test_the_same_seed_gives_the_same_table(agent_type):
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
def test_a_saved_agent_acts_and_learns_as_the_original(agent_type, options, tmp_path):
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


def test_predict_takes_one_observation_or_a_batch():
    agent = QLearning("Blackjack-v1", num_envs=2).learn(200)
    action, memory = agent.predict((14, 10, 0), deterministic=True)
    assert action.shape == ()
    assert memory is None
    assert agent.predict((np.array([14, 5]), np.array([10, 1]), np.array([0, 1])))[0].shape == (2,)
    first = Sarsa(Spaces(spaces.Discrete(3, start=1), spaces.Discrete(2, start=5)))
    assert first.predict(np.int64(2))[0] in (5, 6)
    assert first.predict(2, deterministic=True)[0] == 5


def test_blackjack_is_played_better_than_by_chance():
    agent = QLearning("Blackjack-v1", num_envs=32, gamma=1.0, learning_rate=0.05, epsilon=0.3, seed=1).learn(20_000)
    assert evaluate(agent, "Blackjack-v1", episodes=600).mean > -0.22  # a random policy: -0.39
    assert agent.metrics() == {}


def test_an_evaluation_ends_even_if_no_episode_does(monkeypatch):
    monkeypatch.setattr("sandlot.agents.evaluation.GIVEN_UP_AFTER", 50)
    monkeypatch.setattr("sandlot.agents.tabular.planning.GIVEN_UP_AFTER", 50)
    agent = QLearning("CliffWalking-v1")  # untrained, so it goes up for ever
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
def test_hyperparameters_out_of_range_are_errors(options, sentence):
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
def test_spaces_that_fit_no_table_are_errors(space, action, sentence):
    with pytest.raises(SandlotError, match=sentence):
        QLearning(Spaces(space, action))


def test_exact_metrics_are_of_the_greedy_policy():
    known = table_from({0: {0: [(1.0, 0, 1.0, True)], 1: [(1.0, 0, 3.0, True)]}}, np.ones(1))
    agent = QLearning(TabularVectorEnv(known, 1, spaces.Discrete(1), spaces.Discrete(2)))
    assert agent.metrics() == {"exact/return": 1.0, "exact/optimum": 3.0, "exact/regret": 2.0}
    agent.q[0, 0, 1] = 0.1
    assert regret(agent) == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["q-learning", "sarsa"])
def test_the_recipes_solve_frozen_lake(name):
    from sandlot.agents.recipes import recipe
    from sandlot.agents.registry import agent_class

    agent = agent_class(name)("FrozenLake-v1", seed=1).learn(recipe(name, "FrozenLake-v1")["steps"])
    assert agent.metrics()["exact/return"] > 0.98 * 0.7442


@pytest.mark.slow
def test_sarsa_takes_the_safe_path_and_q_learning_the_shortest():
    """While they explore, the shortest path costs more (Sutton & Barto, example 6.6)."""
    from sandlot.agents.recipes import recipe

    greedily, exploring = {}, {}
    for agent_type in (QLearning, Sarsa):
        steps = recipe(agent_type.name, "CliffWalking-v1")["steps"]
        agent = agent_type("CliffWalking-v1", seed=1).learn(steps)
        greedily[agent_type] = agent.metrics()["exact/return"]
        exploring[agent_type] = evaluate(agent, "CliffWalking-v1", episodes=300, deterministic=False).mean
    assert greedily == {QLearning: -13.0, Sarsa: -17.0}
    assert exploring[Sarsa] > exploring[QLearning] + 10
