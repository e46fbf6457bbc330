"""The vector environment of a transition table matches the environment of the table."""

from collections import Counter

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.envs.toy_text.taxi import TaxiEnv
from gymnasium.vector import SyncVectorEnv

from sandlot.envs import EnvSpec, TabularVectorEnv, make, read_table, table_from
from sandlot.envs.action_masks import ShowMask
from sandlot.envs.backends.tabular import table_of, tabular_vector

pytestmark = pytest.mark.shapes
IDS = ["FrozenLake-v1", "FrozenLake8x8-v1", "Taxi-v4", "CliffWalking-v1", "CliffWalkingSlippery-v1"]


def bare(observation):
    return observation["observation"] if isinstance(observation, dict) else observation


def legal_actions(observation, num_actions, rng):
    """Draw an action for each row that its mask, if there is one, allows."""
    draws = rng.random((len(bare(observation)), num_actions))
    if isinstance(observation, dict):
        draws = draws + observation["action_mask"]
    return draws.argmax(1)


@pytest.mark.parametrize("env", IDS)
def test_each_transition_is_possible_in_gymnasium(env):
    core, envs, rng = EnvSpec(env).single().unwrapped, make(env, 20), np.random.default_rng(0)
    assert envs.backend == "table"
    limit = gymnasium.spec(env).max_episode_steps
    observation, elapsed = envs.reset(3), np.zeros(20, int)
    assert all(core.initial_state_distrib[s] > 0 for s in bare(observation))
    for _ in range(300):
        action = legal_actions(observation, core.action_space.n, rng)
        step = envs.step(action)
        elapsed += 1
        assert step.valid.all()
        for i in range(20):
            outcomes = [outcome[1:] for outcome in core.P[bare(observation)[i]][action[i]] if outcome[0] > 0]
            assert (bare(step.next_observation)[i], step.reward[i], step.terminated[i]) in outcomes
            assert step.truncated[i] == (limit is not None and elapsed[i] >= limit)
            if step.terminated[i] or step.truncated[i]:
                assert step.episode_start[i]
                assert core.initial_state_distrib[bare(step.observation)[i]] > 0
                elapsed[i] = 0
            else:
                assert not step.episode_start[i]
                assert bare(step.observation)[i] == bare(step.next_observation)[i]
        observation = step.observation
    assert limit is None or (elapsed < 300).any(), "episodes ended"


@pytest.mark.parametrize("env", ["Taxi-v4", "CliffWalking-v1"])
def test_deterministic_transitions_match_gymnasium(env):
    envs, single, rng = make(env, 1), EnvSpec(env).single(), np.random.default_rng(1)
    observation = envs.reset(5)
    single.reset(seed=0)
    single.unwrapped.s = int(bare(observation)[0])
    for _ in range(150):
        action = legal_actions(observation, single.action_space.n, rng)
        theirs, reward, terminated, truncated, _ = single.step(int(action[0]))
        step = envs.step(action)
        assert bare(step.next_observation)[0] == bare(theirs)
        if isinstance(theirs, dict):
            assert (step.next_observation["action_mask"][0] == theirs["action_mask"]).all()
        assert (step.reward[0], step.terminated[0], step.truncated[0]) == (reward, terminated, truncated)
        observation = step.observation
        if terminated or truncated:
            single.reset()
            single.unwrapped.s = int(bare(observation)[0])


def frequencies(pairs):
    counts = Counter(pairs)
    total = sum(counts.values())
    return {key: count / total for key, count in counts.items()}


def test_outcome_frequencies_match_gymnasium():
    single, envs = EnvSpec("FrozenLake-v1").single(), make("FrozenLake-v1", 500)
    ours, theirs = [], []
    for seed in range(6):
        envs.reset(seed)
        envs.env._state = np.full(500, 9)
        ours += envs.step(np.full(500, 1)).next_observation.tolist()
    single.reset(seed=0)
    for _ in range(3000):
        single.reset()
        single.unwrapped.s = 9
        theirs.append(single.step(1)[0])
    assert frequencies(ours).keys() == frequencies(theirs).keys() == {8, 10, 13}
    for state, share in frequencies(ours).items():
        assert share == pytest.approx(1 / 3, abs=0.04)
        assert frequencies(theirs)[state] == pytest.approx(share, abs=0.06)


def test_start_states_match_gymnasium():
    envs, core = make("Taxi-v4", 3000), EnvSpec("Taxi-v4").single().unwrapped
    seen = frequencies(bare(envs.reset(0)).tolist())
    assert set(seen) == set(np.flatnonzero(core.initial_state_distrib))
    assert max(seen.values()) < 4 / 300


def test_random_walk_lengths_match_gymnasium():
    def returns(envs):
        rng, found = np.random.default_rng(0), []
        envs.reset(1)
        for _ in range(800):
            episodes = envs.step(rng.integers(4, size=8)).episodes
            found += episodes.lengths.tolist() if episodes else []
        return np.mean(found)

    table = make("FrozenLake-v1", 8)
    sync = make(SyncVectorEnv([lambda: gymnasium.make("FrozenLake-v1")] * 8))
    assert (table.backend, sync.backend) == ("table", "given")
    assert returns(table) == pytest.approx(returns(sync), rel=0.08)


def test_seeds_reproduce():
    def play(seed):
        envs = make("FrozenLake-v1", 5)
        seen = [envs.reset(seed)] + [envs.step(np.full(5, 2)).observation for _ in range(40)]
        return np.array(seen)

    np.testing.assert_array_equal(play(1), play(1))
    assert (play(1) != play(2)).any()


def test_action_masks_are_in_the_observation():
    env = ShowMask(TaxiEnv())
    table = read_table(env)
    assert table is not None
    assert table.allowed.sum(1).min() >= 1
    assert not table.allowed.all()
    played = TabularVectorEnv(table, 4, env.observation_space, env.action_space)
    observation, _ = played.reset(seed=0)
    assert played.observation_space.contains(observation)
    for state, mask in zip(observation["observation"], observation["action_mask"], strict=True):
        np.testing.assert_array_equal(mask, env.unwrapped.action_mask(state))


@pytest.mark.parametrize(
    "env",
    [
        gymnasium.wrappers.TransformReward(gymnasium.make("FrozenLake-v1"), lambda reward: -reward),
        gymnasium.make("Taxi-v4", fickle_passenger=True),
        gymnasium.make("Blackjack-v1"),
        gymnasium.make("CartPole-v1"),
    ],
    ids=["another reward", "fickle", "no table", "no states"],
)
def test_environments_that_differ_from_their_table_are_rejected(env):
    assert tabular_vector(env, 2) is None


def test_options_change_the_table():
    dry, rainy = make("Taxi-v4", 1), make("Taxi-v4", 1, kwargs={"is_rainy": True})
    assert dry.env.table.probability.shape[2] == 1
    assert rainy.env.table.probability.shape[2] == 3
    np.testing.assert_allclose(rainy.env.table.probability.sum(2), 1.0)
    assert make("Taxi-v4", 1, kwargs={"fickle_passenger": True}).backend == "sync"
    assert table_of(make("Blackjack-v1", 1).env) is None


def test_a_time_limit_truncates():
    chain = {0: {0: [(1.0, 0, 1.0, False)]}}
    envs = make(
        TabularVectorEnv(table_from(chain, np.ones(1), time_limit=3), 2, spaces.Discrete(1), spaces.Discrete(1))
    )
    envs.reset(0)
    steps = [envs.step(np.zeros(2, int)) for _ in range(7)]
    assert [step.truncated.all() for step in steps] == [False, False, True, False, False, True, False]
    assert steps[2].episodes.returns.tolist() == [3.0, 3.0]
