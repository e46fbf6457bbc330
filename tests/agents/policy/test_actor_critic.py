"""What A2C and REINFORCE have in common; PPO's tests say the same of it at greater length."""

import numpy as np
import pytest
import torch
from gymnasium.vector import SyncVectorEnv

from sandlot.agents import A2C, REINFORCE
from sandlot.agents.evaluation import evaluate
from sandlot.envs import EnvSpec
from sandlot.tracking import SandlotError
from tests.environments import ACTIONS, Match

QUICK = {
    A2C: {"num_envs": 4, "num_steps": 8, "learning_rate": 1e-2, "gamma": 0.0, "normalize_advantage": True},
    REINFORCE: {"num_envs": 4, "batch_size": 64, "learning_rate": 2e-2, "gamma": 0.0},
}
KINDS = pytest.mark.parametrize("kind", list(QUICK))
OPTIONS = [
    *((A2C, options) for options in ({"normalize_rewards": True}, {"entropy_coef": 0.01, "optimizer": "adam"})),
    *((REINFORCE, {"baseline": baseline}) for baseline in ("none", "mean")),
    *((kind, {"normalize_observations": True, "learning_rate_schedule": "linear"}) for kind in QUICK),
    *((kind, {"normalize_advantage": False, "shared_encoder": True, "dropout": 0.1}) for kind in QUICK),
]


def learned(kind, env, steps, seed=1, **options):
    return kind(env, seed=seed, **QUICK[kind] | options).learn(steps)


def match(action="discrete"):
    return SyncVectorEnv([lambda: Match("box", action)] * 4)


def score(agent, action="discrete"):
    return evaluate(agent, EnvSpec("tests/Match-v0", {"action": action}), episodes=20).mean


@KINDS
@pytest.mark.parametrize("action", ACTIONS)
def test_learns_every_action(kind, action):
    agent = learned(kind, match(action), 6000 if action == "box" else 2500)
    assert score(agent, action) > (0.85 if action == "box" else 0.95) * 8


@pytest.mark.parametrize(("kind", "options"), OPTIONS)
def test_learns_with_every_option(kind, options):
    assert score(learned(kind, match(), 3000, **options)) > 0.95 * 8


@KINDS
def test_the_wrong_reward_is_not_learned(kind):
    """The bar of the tests above is out of reach for an agent that has learned nothing."""
    assert score(learned(kind, match(), 500, learning_rate=1e-9)) < 0.8 * 8


@KINDS
def test_one_seed_gives_one_result(kind):
    weights = [learned(kind, "CartPole-v1", 600, seed=seed).learner.flat for seed in (1, 1, 2)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@KINDS
def test_a_saved_agent_acts_the_same_and_learns_on_the_same(kind, tmp_path):
    agent = learned(kind, "CartPole-v1", 600, normalize_observations=True)
    agent.save(tmp_path / "agent")
    loaded = kind.load(tmp_path / "agent")
    observation = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    for deterministic in (True, False):
        agent.noise.manual_seed(1)
        loaded.noise.manual_seed(1)
        np.testing.assert_array_equal(
            agent.predict(observation, deterministic=deterministic)[0],
            loaded.predict(observation, deterministic=deterministic)[0],
        )
    agent.learn(1200)
    loaded.learn(1200)
    assert agent.env_step == loaded.env_step
    for name, value in agent.tensors().items():
        np.testing.assert_array_equal(value, loaded.tensors()[name])


@KINDS
def test_a_nan_from_the_environment_is_told_by_its_name(kind):
    with pytest.raises(
        SandlotError,
        match="Broken-v0 gave a reward that is NaN or infinite in copy 0, at step 5",
    ):
        learned(kind, "tests/Broken-v0", 600)
