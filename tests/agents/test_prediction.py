"""Predicting under masks from outside and with memories of other calls; loading with other options."""

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.envs.classic_control import CartPoleEnv
from gymnasium.vector import SyncVectorEnv

from sandlot.agents import DQN, PPO, SAC, QLearning
from sandlot.agents.base import Spaces
from sandlot.tracking import SandlotError

SIZE = {"num_envs": 2, "num_steps": 16, "batch_size": 32, "epochs": 1}
FOUR = Spaces(spaces.Box(-1, 1, (3,)), spaces.Discrete(4))
ZEROS = np.zeros((5, 3), np.float32)


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("kind", [PPO, DQN, QLearning])
def test_masks_are_obeyed_by_agents_whose_env_shows_none(kind, deterministic):
    agent = kind(Spaces(spaces.Discrete(3), FOUR.action) if kind is QLearning else FOUR)
    seen = np.zeros(5, int) if kind is QLearning else ZEROS
    for only in range(4):
        mask = np.arange(4) == only
        assert (agent.predict(seen, action_masks=mask, deterministic=deterministic)[0] == only).all()
        assert agent.predict(seen[0], action_masks=mask, deterministic=deterministic)[0] == only
    one_each = np.eye(4, dtype=int)[[3, 2, 1, 0, 1]]
    assert agent.predict(seen, action_masks=one_each, deterministic=deterministic)[0].tolist() == [3, 2, 1, 0, 1]
    assert len({int(agent.predict(seen[0])[0]) for _ in range(60)}) > 1 or kind is not PPO  # the mask is gone again


def test_a_given_mask_beats_the_one_observed():
    seen = spaces.Dict(observation=FOUR.observation, action_mask=spaces.Box(0, 1, (4,), np.int8))
    agent = PPO(Spaces(seen, FOUR.action))
    shown = {"observation": ZEROS, "action_mask": np.tile(np.array([1, 0, 0, 0], np.int8), (5, 1))}
    assert (agent.predict(shown)[0] == 0).all()
    assert (agent.predict(shown, action_masks=[0, 1, 0, 0])[0] == 1).all()


def test_masks_of_several_choices_may_be_ragged():
    agent = PPO(Spaces(FOUR.observation, spaces.MultiDiscrete([2, 3])))
    for masks in (([0, 1], [0, 0, 1]), [0, 1, 0, 0, 1]):
        assert (agent.predict(ZEROS, action_masks=masks)[0] == [1, 2]).all()


@pytest.mark.parametrize("masks", [[1, 0], np.ones((2, 4)), np.ones((5, 3))])
def test_masks_of_another_shape_get_a_sentence(masks):
    with pytest.raises(SandlotError, match=r"action_masks must have the shape \(4,\) or \(5, 4\)"):
        PPO(FOUR).predict(ZEROS, action_masks=masks)


def test_continuous_actions_cant_be_masked():
    with pytest.raises(SandlotError, match="can't be masked"):
        SAC(Spaces(FOUR.observation, spaces.Box(-1, 1, (2,)))).predict(ZEROS, action_masks=[1, 0])


@pytest.mark.parametrize("network", ["lstm", "transformer"])
def test_the_state_of_other_observations_gets_a_sentence(network):
    agent = PPO(FOUR, network=network)
    _, state = agent.predict(ZEROS[0])
    agent.predict(ZEROS[:1], state)
    with pytest.raises(SandlotError, match="the state is that of 1 observations, and there are 5"):
        agent.predict(ZEROS, state)


def test_options_can_be_changed_on_loading(tmp_path):
    PPO("CartPole-v1", **SIZE).learn(32).save(tmp_path / "agent")
    loaded = PPO.load(tmp_path / "agent", learning_rate=1e-5, learning_rate_schedule="constant")
    assert loaded.config.learning_rate == 1e-5
    loaded.learn(64)
    assert loaded.learner.learning_rate == pytest.approx(1e-5)
    with pytest.raises(SandlotError, match="there is no option 'learnign_rate'; did you mean learning_rate"):
        PPO.load(tmp_path / "agent", learnign_rate=1)
    with pytest.raises(SandlotError, match="the weights don't fit the networks that hidden make"):
        PPO.load(tmp_path / "agent", hidden=(8,))


def test_learning_without_an_environment_gets_a_sentence(tmp_path):
    PPO(CartPoleEnv(), **SIZE | {"num_envs": 1, "batch_size": 16}).learn(16).save(tmp_path / "agent")
    with pytest.raises(SandlotError, match=r"no environment to learn in; load it with one, as in PPO.load\(folder"):
        PPO.load(tmp_path / "agent").learn(32)
    PPO.load(tmp_path / "agent", CartPoleEnv()).learn(32)


def test_an_object_cant_be_copied():
    with pytest.raises(SandlotError, match="num_envs=8 needs an environment that can be made several times"):
        PPO(CartPoleEnv(), num_envs=8)
    with pytest.raises(SandlotError, match="num_envs=8"):
        PPO(SyncVectorEnv([CartPoleEnv] * 2), num_envs=8)
    assert PPO(SyncVectorEnv([CartPoleEnv] * 2), **SIZE).env_factory.num_envs == 2


def test_negative_seeds_get_a_sentence():
    with pytest.raises(SandlotError, match="seed must be at least 0, not -1"):
        PPO("CartPole-v1", seed=-1)
