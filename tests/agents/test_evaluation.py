"""Evaluation: in whatever stands for an environment, and with what it counts."""

import gymnasium
import pytest
from gymnasium.vector import SyncVectorEnv

from sandlot import PPO, evaluate
from sandlot.envs import EnvSpec, make
from sandlot.tracking import SandlotError
from tests.environments import Counter

AGENT = PPO("CartPole-v1", seed=0, num_envs=4, num_steps=32, batch_size=64, hidden=(16,))


def vector():
    return SyncVectorEnv([lambda: gymnasium.make("CartPole-v1")] * 3)


@pytest.mark.parametrize(
    "env",
    [
        lambda: "CartPole-v1",
        lambda: EnvSpec("CartPole-v1", backend="gymnasium"),
        lambda: gymnasium.make("CartPole-v1"),
        vector,
        lambda: make("CartPole-v1", 5),
    ],
)
def test_anything_that_stands_for_an_environment_can_be_evaluated_in(env):
    env = env()
    evaluation = evaluate(AGENT, env, episodes=7)
    assert len(evaluation.returns) == 7
    assert evaluation.returns.tolist() == evaluation.lengths.tolist()
    if not isinstance(env, str | EnvSpec):
        env.reset(seed=0)  # it is not closed: it is its owner's


def test_an_id_and_an_object_give_the_same_episodes():
    by_id = evaluate(AGENT, EnvSpec("CartPole-v1", backend="gymnasium"), episodes=4, seed=5)
    assert by_id.mean == evaluate(AGENT, make("CartPole-v1", 4), episodes=4, seed=5).mean


def test_mistakes_are_sentences():
    with pytest.raises(SandlotError, match=r"was trained with the space .* and Acrobot-v1 has"):
        evaluate(AGENT, "Acrobot-v1")
    with pytest.raises(SandlotError, match="was trained with the space"):
        evaluate(AGENT, Counter())
    with pytest.raises(SandlotError, match="episodes must be at least 1"):
        evaluate(AGENT, "CartPole-v1", episodes=0)
