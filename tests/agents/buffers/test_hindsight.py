"""Hindsight experience replay."""

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces

from sandlot.agents import DQN, SAC
from sandlot.agents.buffers.hindsight import HindsightBuffer
from sandlot.tracking import SandlotError


class Line(gymnasium.Env):
    """Walks along a line towards a goal; the observation tells the place, in steps since the episode's start."""

    def __init__(self, length=6, continuous=False):
        bits = spaces.Box(-20, 20, (1,), np.float32)
        self.observation_space = spaces.Dict(observation=bits, achieved_goal=bits, desired_goal=bits)
        self.action_space = spaces.Box(-1, 1, (1,)) if continuous else spaces.Discrete(2)
        self.length, self.episode = length, -1

    def compute_reward(self, achieved, desired, info):
        return -(np.abs(achieved - desired) > 0.5).astype(np.float32)[..., 0]

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time, self.episode = 0, self.episode + 1
        return self._seen(), {}

    def step(self, action):
        self.time += 1
        return self._seen(), -1.0, False, self.time == self.length, {"is_success": 0.0}

    def _seen(self):
        place = np.array([self.time], np.float32)
        return {"observation": place, "achieved_goal": place, "desired_goal": np.array([-15], np.float32)}


gymnasium.register("tests/Line-v0", entry_point=Line, disable_env_checker=True)


def collected(num_envs, steps=40, buffer_size=200):
    agent = DQN("tests/Line-v0", her=True, her_ratio=1.0, hidden=(8,), num_envs=num_envs, buffer_size=buffer_size,
                learning_starts=10_000, batch_size=16)  # fmt: skip
    agent.learn(steps)
    return agent


def check(buffer, seed=0):
    rows = buffer.sample(400, np.random.default_rng(seed))
    sample = buffer.transitions(rows, 0.9)
    now = sample.observation["achieved_goal"][0, :, 0]
    after = sample.next_observation["achieved_goal"][0, :, 0]
    goal = sample.observation["desired_goal"][0, :, 0]
    torch.testing.assert_close(sample.next_observation["desired_goal"][0, :, 0], goal)
    replaced = goal != -15
    assert (goal[replaced] > now[replaced]).all(), "goals are achieved later"
    assert (goal[replaced] <= 5).all(), "in the same episode"
    expected = torch.where(replaced, -(after - goal).abs().gt(0.5).float(), torch.tensor(-1.0))
    torch.testing.assert_close(sample.reward[0], expected)
    assert (sample.reward[0] == 0).any()
    return replaced, now


@pytest.mark.parametrize("num_envs", [1, 3])
@pytest.mark.parametrize("buffer_size", [200, 80])
def test_goals_are_replaced_by_what_was_achieved_later_in_the_episode(num_envs, buffer_size):
    agent = collected(num_envs, steps=90, buffer_size=buffer_size)
    replaced, now = check(agent.buffer)
    assert replaced[now < 3].float().mean() > 0.9
    assert not replaced[now == 5].any()


def test_it_is_the_same_after_loading():
    agent, fresh = collected(2), collected(2, steps=2)
    fresh.load_experience(agent.experience())
    rows = agent.buffer.sample(300, np.random.default_rng(1))
    check(fresh.buffer)
    ours, theirs = (one.buffer.transitions(rows, 0.9) for one in (agent, fresh))
    torch.testing.assert_close(ours.observation, theirs.observation)
    torch.testing.assert_close(ours.reward, theirs.reward)


@pytest.mark.parametrize("kind", [SAC])
def test_continuous_agents_learn_with_it(kind):
    agent = kind(gymnasium_spec(), her=True, hidden=(8,), learning_starts=20, batch_size=8)
    assert isinstance(agent.learn(60).buffer, HindsightBuffer)


def gymnasium_spec():
    from sandlot.envs import EnvSpec

    return EnvSpec("tests/Line-v0", {"continuous": True})


@pytest.mark.parametrize(
    ("env", "options", "sentence"),
    [
        ("tests/Endless-v0", {}, "her needs observations with 'achieved_goal' and 'desired_goal'"),
        ("tests/Line-v0", {"n_step": 3}, "her needs n_step 1"),
        ("tests/Line-v0", {"network": "lstm"}, "her is for networks without memory"),
        (Line(), {}, "her needs an environment's id"),
    ],
)
def test_where_it_makes_no_sense_there_is_a_sentence(env, options, sentence):
    with pytest.raises(SandlotError, match=sentence):
        DQN(env, her=True, **options)
