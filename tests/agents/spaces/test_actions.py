"""Actions as environments take them."""

import numpy as np
import pytest
from gymnasium import spaces

from sandlot.agents import A2C, DQN, PPO, REINFORCE, QLearning
from sandlot.agents.spaces.actions import BoxActions, head_for
from sandlot.tracking import SandlotError
from tests.agents.spaces.test_observations import SIZE, Sampled


@pytest.mark.parametrize(
    "space", [spaces.Discrete(3, dtype=np.int32), spaces.MultiDiscrete([2, 3], dtype=np.int32, start=[1, 2])], ids=str
)
def test_whole_numbers_have_the_dtype_of_their_space(space):
    PPO(Sampled(spaces.Box(-1, 1, (2,)), space), **SIZE).learn(16)


def test_value_based_agents_give_the_dtype_of_the_space():
    space = spaces.Discrete(3, dtype=np.int32)
    DQN(Sampled(spaces.Box(-1, 1, (2,)), space), num_envs=1, learning_starts=8).learn(16)
    QLearning(Sampled(spaces.Discrete(2), space)).learn(16)


def test_the_middle_of_the_bounds_is_zero():
    head = head_for(spaces.Box(10, 20, (1,)), 4, 0.0, "ppo")
    np.testing.assert_array_equal(head.to_env(np.array([[-2], [-1], [0], [0.5], [1], [3]], np.float32)).ravel(),
                                  [10, 10, 15, 17.5, 20, 20])  # fmt: skip
    assert head.to_env(np.zeros((1, 1), np.float32)).dtype == np.float32


def test_unscaled_actions_are_in_the_environments_units():
    head = head_for(spaces.Box(10, 20, (1,)), 4, 0.0, "ppo", scale=False)
    assert head.to_env(np.array([[0], [12]], np.float32)).ravel().tolist() == [10, 12]


def test_only_finite_bounds_scale():
    largest = np.finfo(np.float32).max
    space = spaces.Box(np.array([-np.inf, 0, -largest], np.float32), np.array([np.inf, 8, largest], np.float32))
    assert BoxActions(space).to_env(np.full((1, 3), 0.5, np.float32)).tolist() == [[0.5, 6, 0.5]]


class Target(Sampled):
    """Pays for an action near 15 of 10 to 20."""

    def __init__(self):
        super().__init__(spaces.Box(0, 1, (1,)), spaces.Box(10, 20, (1,)))

    def step(self, action):
        observation, _, *rest = super().step(action)
        return observation, -abs(float(action[0]) - 15) / 10, *rest


@pytest.mark.parametrize("agent", [PPO, A2C, REINFORCE])
def test_policies_start_in_the_middle_of_the_bounds(agent):
    assert agent(Target(), seed=1).predict(np.zeros(1, np.float32), deterministic=True)[0][0] == pytest.approx(
        15, abs=1
    )


def test_ppo_learns_between_far_bounds():
    trained = PPO(Target(), num_envs=1, num_steps=256, batch_size=64, learning_rate=3e-3, seed=1).learn(2_000)
    assert trained.predict(np.zeros(1, np.float32), deterministic=True)[0][0] == pytest.approx(15, abs=1.5)


@pytest.mark.parametrize("space", [spaces.Box(0, 1e9, (2,), np.int64), spaces.Box(0, 5, (0,))], ids=str)
def test_boxes_that_no_agent_acts_in_get_a_sentence(space):
    with pytest.raises(SandlotError, match="can't act in the space"):
        PPO(Sampled(spaces.Box(-1, 1, (2,)), space), **SIZE)
