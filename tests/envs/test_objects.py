"""Objects given as environments: Stable-Baselines3's and PettingZoo's work, other things get a sentence."""

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.classic_control import CartPoleEnv
from stable_baselines3.common.vec_env import DummyVecEnv

from sandlot.agents import PPO
from sandlot.envs import make
from sandlot.tracking import SandlotError
from tests.environments import HORIZON, Counter, Endless
from tests.envs.games.test_observed import Game, Turns

SIZE = {"num_steps": 16, "batch_size": 16, "epochs": 1}


def test_a_vec_env_is_stepped_with_true_ends():
    batch = make(DummyVecEnv([lambda: gymnasium.wrappers.TimeLimit(Counter(99), 3), lambda: Counter(2, True)]))
    batch.reset(0)
    steps = [batch.step(np.zeros(2, int)) for _ in range(3)]
    assert [step.terminated.tolist() for step in steps] == [[False, False], [False, True], [False, False]]
    assert [step.truncated.tolist() for step in steps] == [[False, False], [False, False], [True, False]]
    assert steps[1].next_observation[1] % 100 == 2
    assert steps[1].observation[1] % 100 == 0
    assert steps[2].episodes.returns.tolist() == [3.0]


def test_agents_learn_in_a_vec_env_and_in_games():
    PPO(DummyVecEnv([Endless] * 2), **SIZE).learn(HORIZON * 8)
    PPO(Game(masked=True), **SIZE).learn(64)
    PPO(Turns(), **SIZE).learn(64)
    with pytest.raises(SandlotError, match="num_envs=3"):
        PPO(DummyVecEnv([Endless] * 2), num_envs=3)


@pytest.mark.parametrize(
    "thing",
    [CartPoleEnv, lambda: CartPoleEnv(), [CartPoleEnv()], None, 3, gymnasium.spec("CartPole-v1")],
    ids=lambda thing: type(thing).__name__,
)
def test_other_things_get_a_sentence(thing):
    with pytest.raises(SandlotError, match="no environment: give an id, an EnvSpec"):
        PPO(thing)
