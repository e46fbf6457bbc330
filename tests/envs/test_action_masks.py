"""Action masks from info, a method or the observation."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from sandlot.agents import PPO
from sandlot.agents.evaluation import evaluate
from sandlot.envs import MASK, EnvSpec, Wrappers, make, with_mask
from sandlot.tracking import SandlotError
from tests import environments

TELLS = ("info", "method", "observation")


@pytest.mark.parametrize("tells", TELLS)
def test_the_mask_is_in_the_observation_wherever_it_comes_from(tells: str):
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


def test_a_given_env_has_its_mask_in_the_observation():
    assert make(environments.Legal("info")).reset(seed=0)[MASK].sum() == 2


def test_taxi_has_gymnasiums_mask():
    env = EnvSpec("Taxi-v4").single()
    observation, info = env.reset(seed=0)
    assert np.array_equal(observation[MASK], info[MASK])


def test_an_env_without_a_mask_is_unchanged():
    assert not isinstance(EnvSpec("CartPole-v1").single().observation_space, spaces.Dict)


def test_ppo_learns_with_legal_actions_only():
    agent = PPO("tests/Legal-v0", num_envs=8, num_steps=32, batch_size=64, learning_rate=5e-3, seed=1)
    agent.learn(5_000)  # an illegal action would be an error
    for tells in TELLS:
        assert evaluate(agent, EnvSpec("tests/Legal-v0", {"tells": tells}), episodes=10).mean > 7


def test_predict_accepts_action_masks_like_sb3_contrib():
    agent = PPO("tests/Legal-v0", num_envs=2, num_steps=8, batch_size=16)
    only = np.array([False, False, True, False])
    assert agent.predict(np.zeros(4, np.float32), action_masks=only)[0] == 2
    assert (agent.predict(np.zeros((5, 4), np.float32), action_masks=np.tile(only, (5, 1)))[0] == 2).all()
    shown = with_mask(agent.spaces.observation, np.zeros(4, np.float32), None)
    assert np.array_equal(shown[MASK], np.ones(4))


def test_a_mask_of_the_wrong_size_is_an_error():
    class Misfit(environments.Legal):
        action_space = spaces.Discrete(5)

    with pytest.raises(SandlotError, match=r"'action_mask' has the shape \(4,\), and the actions Discrete\(5\) want"):
        PPO(Misfit("observation"))

    class Continuous(environments.Legal):
        action_space = spaces.Box(-1, 1, (4,))

    with pytest.raises(SandlotError, match="can't be masked"):
        PPO(Continuous("observation"))


def test_given_vector_envs_are_unchanged():
    given = gymnasium.vector.SyncVectorEnv([lambda: environments.Legal("observation")] * 2)
    assert MASK in make(given).reset(seed=0)


class Odd(gymnasium.Env):
    """Allows the one action that its time tells, and tells so in an odd way."""

    def __init__(self, how: str):
        self.how, self.action_space = how, spaces.MultiDiscrete([2, 3]) if how == "ragged" else spaces.Discrete(4)
        self.observation_space = spaces.Box(0, 9, (1,))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return self._show(), self._info()

    def step(self, action):
        if self.how == "ragged":
            assert tuple(action) == (0, 2)
        else:
            assert action == self.time % 4
        self.time += 1
        over = self.time >= 8
        lost = over if self.how == "missing at the end" else self.how == "missing" and self.time == 3
        return self._show(), 1.0, over, False, {} if lost else self._info()

    def _show(self):
        return np.array([self.time], np.float32)

    def _info(self):
        if self.how == "ragged":
            return {MASK: (np.array([1, 0]), np.array([0, 0, 1]))}
        return {MASK: np.eye(4, dtype=bool)[self.time % 4][: 3 if self.how == "short" else 4]}


gymnasium.register("tests/Odd-v0", entry_point=Odd, disable_env_checker=True)
ODD = {"num_envs": 2, "num_steps": 16, "batch_size": 32, "epochs": 1}


@pytest.mark.parametrize(
    ("how", "wrappers"),
    [
        ("ragged", {}),
        ("missing at the end", {}),
        ("usual", {"sticky_actions": 0.5}),
        ("usual", {"frame_stack": 2}),
        ("ragged", {"sticky_actions": 0.5, "frame_stack": 3}),
        ("usual", {"hide_entries": ()}),
    ],
)
def test_masks_are_obeyed_however_they_are_told_and_under_wrappers(how, wrappers):
    PPO(EnvSpec("tests/Odd-v0", {"how": how}, wrappers=Wrappers(**wrappers)), **ODD).learn(64)


@pytest.mark.parametrize(
    ("how", "message"), [("missing", "gives no 'action_mask' with an observation"), ("short", "has 3 entries")]
)
def test_a_mask_that_cant_be_right_gets_a_sentence(how, message):
    with pytest.raises(SandlotError, match=message):
        PPO(EnvSpec("tests/Odd-v0", {"how": how}), **ODD).learn(64)
