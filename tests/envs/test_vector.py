"""Vector environments: autoreset modes, episode ends, final observations."""

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from sandlot.envs import EnvBatch, tree_map
from sandlot.tracking import SandlotError
from tests.environments import Counter, Match

pytestmark = pytest.mark.shapes
MODES = list(AutoresetMode)


def batch(mode, *envs):
    return EnvBatch(SyncVectorEnv([lambda env=env: env for env in envs], autoreset_mode=mode), "test")


def play(env, steps):
    """Return, for each env, the transitions that are there to learn from: (observation, reward, next, ends)."""
    observation = env.reset(0)
    transitions = [[] for _ in range(env.num_envs)]
    for _ in range(steps):
        step = env.step(np.zeros(env.num_envs, int))
        for i in np.flatnonzero(step.valid):
            ends = "T" * int(step.terminated[i]) + "t" * int(step.truncated[i])
            row = (observation[i, 0].item(), float(step.reward[i]), step.next_observation[i, 0].item(), ends)
            transitions[i].append(row)
        observation = step.observation
    return transitions


@pytest.mark.parametrize("mode", MODES)
def test_every_autoreset_mode_gives_the_same_transitions(mode):
    first, second = play(batch(mode, Counter(2, terminates=True), Counter(3)), 8)
    assert first[:4] == [(0, 1, 1, ""), (1, 1, 2, "T"), (100, 1, 101, ""), (101, 1, 102, "T")]
    assert second[:5] == [(0, 1, 1, ""), (1, 1, 2, ""), (2, 1, 3, "t"), (100, 1, 101, ""), (101, 1, 102, "")]


@pytest.mark.parametrize("mode", MODES)
def test_episode_starts_and_episodes_are_reported(mode):
    env = batch(mode, Counter(2), Counter(3))
    observation, episodes = env.reset(0), []
    for _ in range(12):
        step = env.step(np.zeros(2, int))
        assert (step.episode_start == (step.observation[:, 0] % 100 == 0)).all()
        if step.episodes is not None:
            episodes += zip(*(column.tolist() for column in step.episodes[:3]), strict=True)
    assert {(2.0, 2, 0), (3.0, 3, 1)} == set(episodes)
    assert observation.shape == (2, 1)


def test_a_row_that_only_resets_is_not_valid():
    env = batch(AutoresetMode.NEXT_STEP, Counter(1), Counter(9))
    env.reset(0)
    assert env.step(np.zeros(2, int)).valid.tolist() == [True, True]
    assert env.step(np.zeros(2, int)).valid.tolist() == [False, True]


def test_final_observations_of_nested_spaces():
    env = batch(AutoresetMode.SAME_STEP, Match("tuple"), Match("tuple"))
    env.reset(0)
    step = [env.step(np.zeros(2, int)) for _ in range(8)][-1]
    assert step.terminated.all()
    assert step.next_observation is not step.observation
    tree_map(
        np.testing.assert_array_equal, tree_map(np.shape, step.next_observation), tree_map(np.shape, step.observation)
    )


def test_a_users_info_is_not_mistaken_for_transition_info():
    class WithTruth(Counter):
        def step(self, action):
            observation, reward, terminated, truncated, info = super().step(action)
            return observation, reward, terminated, truncated, info | {"truth": 1}

    env = batch(AutoresetMode.NEXT_STEP, WithTruth(2), WithTruth(2))
    env.reset(0)
    assert env.step(np.zeros(2, int)).valid.all()


def test_an_env_without_autoreset_mode_is_an_error():
    vector = SyncVectorEnv([Counter])
    vector.metadata = {}
    with pytest.raises(SandlotError, match="autoreset_mode"):
        EnvBatch(vector, "test")
