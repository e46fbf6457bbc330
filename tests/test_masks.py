"""Masks of legal actions, told in any of three ways."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from sandlot.agents import PPO
from sandlot.agents.evaluation import evaluate
from sandlot.envs import MASK, EnvSpec, make, with_mask
from sandlot.tracking import SandlotError
from tests import worlds

TELLS = ("info", "method", "observation")


@pytest.mark.parametrize("tells", TELLS)
def test_however_it_is_told_the_mask_is_in_the_observation(tells: str):
    env = EnvSpec("tests/Legal-v0", {"tells": tells}).single()
    observation, _ = env.reset(seed=3)
    assert env.observation_space.contains(observation)
    assert np.array_equal(observation[MASK], env.unwrapped.legal)
    observation, *_ = env.step(int(np.flatnonzero(observation[MASK])[0]))
    assert np.array_equal(observation[MASK], env.unwrapped.legal)
    batch = make("tests/Legal-v0", 3, kwargs={"tells": tells})
    assert batch.observation_space == env.observation_space
    assert (batch.reset(seed=3)[MASK].sum(1) == 2).all()
    batch.close()


def test_an_env_object_shows_its_mask():
    assert make(worlds.Legal("info")).reset(seed=0)[MASK].sum() == 2


def test_taxi_shows_gymnasiums_mask():
    env = EnvSpec("Taxi-v4").single()
    observation, info = env.reset(seed=0)
    assert np.array_equal(observation[MASK], info[MASK])


def test_an_env_without_a_mask_is_left_as_it_is():
    assert not isinstance(EnvSpec("CartPole-v1").single().observation_space, spaces.Dict)


def test_ppo_never_acts_illegally_and_learns():
    agent = PPO("tests/Legal-v0", num_envs=8, num_steps=32, batch_size=64, learning_rate=5e-3, seed=1)
    agent.learn(5_000)  # an illegal action would be an error
    for tells in TELLS:
        assert evaluate(agent, EnvSpec("tests/Legal-v0", {"tells": tells}), episodes=10).mean > 7


def test_predict_takes_the_mask_as_sb3_contrib_does():
    agent = PPO("tests/Legal-v0", num_envs=2, num_steps=8, batch_size=16)
    only = np.array([False, False, True, False])
    assert agent.predict(np.zeros(4, np.float32), action_masks=only)[0] == 2
    assert (agent.predict(np.zeros((5, 4), np.float32), action_masks=np.tile(only, (5, 1)))[0] == 2).all()
    shown = with_mask(agent.spaces.observation, np.zeros(4, np.float32), None)
    assert np.array_equal(shown[MASK], np.ones(4))


def test_a_mask_that_does_not_fit_the_actions_is_named():
    class Misfit(worlds.Legal):
        action_space = spaces.Discrete(5)

    with pytest.raises(SandlotError, match=r"'action_mask' has the shape \(4,\), and the actions Discrete\(5\) want"):
        PPO(Misfit("observation"))

    class Continuous(worlds.Legal):
        action_space = spaces.Box(-1, 1, (4,))

    with pytest.raises(SandlotError, match="can't be masked"):
        PPO(Continuous("observation"))


def test_gymnasium_vector_envs_are_given_as_they_are():
    given = gymnasium.vector.SyncVectorEnv([lambda: worlds.Legal("observation")] * 2)
    assert MASK in make(given).reset(seed=0)
