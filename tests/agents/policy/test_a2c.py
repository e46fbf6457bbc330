import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from sandlot.agents import A2C, A2CConfig
from sandlot.agents.buffers.rollout import full_batch, gae
from sandlot.agents.policy.a2c import a2c_loss, policy_gradient_loss, value_loss
from sandlot.tracking import SandlotError
from tests.environments import TwoStates

GAMMA = 0.5


def two_states(mode=AutoresetMode.SAME_STEP, **options):
    """Return an agent in one world of two states, whose values are all 10."""
    env = SyncVectorEnv([TwoStates], autoreset_mode=mode)
    agent = A2C(env, seed=0, **{"num_envs": 1, "num_steps": 3, "gamma": GAMMA} | options)
    with torch.no_grad():
        agent.policy.value.linear.weight.zero_()
        agent.policy.value.linear.bias.fill_(10.0)
    return agent


def evaluated(agent):
    envs = agent.env_factory.batch()
    agent.reset(envs.reset(0), 0)
    while not agent.buffer.full:
        step = envs.step(agent.exploration_action())
        agent.buffer.add(agent.action, step)
    return agent.compute_advantages()


def test_targets_by_hand():
    experience = evaluated(two_states())
    # 1 + gamma 2; 2 and the end; then 1 + gamma times the value of where the rollout led.
    assert experience.target[:, 0].tolist() == pytest.approx([1 + GAMMA * 2, 2, 1 + GAMMA * 10])
    assert experience.advantage[:, 0].tolist() == pytest.approx([2 - 10, 2 - 10, 6 - 10])
    assert experience.value[:, 0].tolist() == [10, 10, 10]


def test_targets_of_one_step_by_hand():
    experience = evaluated(two_states(gae_lambda=0.0))
    assert experience.target[:, 0].tolist() == pytest.approx([1 + GAMMA * 10, 2, 1 + GAMMA * 10])


def test_rows_that_only_reset_weigh_nothing():
    experience = evaluated(two_states(AutoresetMode.NEXT_STEP, num_steps=5))
    assert experience.weight[:, 0].tolist() == [1, 1, 0, 1, 1]
    assert full_batch(experience, normalize_advantage=False).weight[:, 0].tolist() == [0.25, 0.25, 0, 0.25, 0.25]
    standardized = full_batch(experience, normalize_advantage=True)
    assert (standardized.advantage * standardized.weight).sum().item() == pytest.approx(0, abs=1e-6)
    assert standardized.advantage[[0, 1, 3, 4], 0].std(correction=0).item() == pytest.approx(0, abs=1e-4)


def test_losses_by_hand():
    weight = torch.tensor([0.5, 0.5])
    log_prob, advantage = torch.tensor([-1.0, -2.0]), torch.tensor([3.0, -1.0])
    assert policy_gradient_loss(log_prob, advantage, weight).item() == pytest.approx(-0.5 * (-3 + 2))
    assert value_loss(torch.tensor([1.0, 4.0]), torch.tensor([3.0, 3.0]), weight).item() == pytest.approx(2.5)


def test_the_loss_is_the_sum_of_its_parts_and_its_gradient_the_policy_gradient():
    agent = two_states(value_coef=0.25, entropy_coef=0.1)
    rows = full_batch(evaluated(agent), normalize_advantage=False)
    loss, metrics = a2c_loss(agent.policy, (rows, agent.first_memory), agent.config)
    expected = metrics["losses/policy"] + 0.25 * metrics["losses/value"] - 0.1 * metrics["train/entropy"]
    assert loss.item() == pytest.approx(expected.item())
    assert metrics["losses/value"].item() == pytest.approx((64 + 64 + 16) / 3)
    agent = two_states(value_coef=0.0)
    rows = full_batch(evaluated(agent), normalize_advantage=False)
    a2c_loss(agent.policy, (rows, agent.first_memory), agent.config)[0].backward()
    # The gradient of -log softmax at equal logits is p - 1 for the action taken and p for the other.
    probability = agent.policy.act(rows.observation, agent.first_memory, rows.episode_start)[0].logits.softmax(-1)
    taken = torch.nn.functional.one_hot(rows.action, 2)
    by_hand = ((probability - taken) * (rows.advantage * rows.weight)[..., None]).sum((0, 1))
    torch.testing.assert_close(agent.policy.head.linear.bias.grad, by_hand)


def values(steps=4000):
    agent = A2C(SyncVectorEnv([TwoStates] * 4), seed=0, num_envs=4, gamma=GAMMA, learning_rate=5e-3)
    agent.learn(steps)
    episode_start = torch.zeros(1, 2, dtype=torch.bool)
    with torch.no_grad():
        return agent.policy.values(torch.eye(2)[None], agent.policy.initial_memory(2), episode_start)[0].tolist()


def test_learns_the_values_of_two_states():
    assert values() == pytest.approx([1 + GAMMA * 2, 2], rel=0.05)


def test_values_that_go_on_through_termination_are_wrong(monkeypatch):
    def wrong(reward, value, next_value, terminated, truncated, gamma, gae_lambda):
        return gae(reward, value, next_value, np.zeros_like(terminated), truncated | terminated, gamma, gae_lambda)

    monkeypatch.setattr("sandlot.agents.policy.a2c.gae", wrong)
    assert values()[1] > 2.3


def test_the_defaults_are_those_of_stable_baselines():
    import inspect

    from stable_baselines3 import A2C as Theirs

    theirs = {name: parameter.default for name, parameter in inspect.signature(Theirs).parameters.items()}
    config = A2CConfig()
    ours = {
        "learning_rate": config.learning_rate, "n_steps": config.num_steps, "gamma": config.gamma,
        "gae_lambda": config.gae_lambda, "ent_coef": config.entropy_coef, "vf_coef": config.value_coef,
        "max_grad_norm": config.max_grad_norm, "rms_prop_eps": config.optimizer_epsilon,
        "normalize_advantage": config.normalize_advantage,
    }  # fmt: skip
    assert ours == {name: theirs[name] for name in ours}
    assert config.optimizer == "rmsprop"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"num_steps": 0}, "num_steps must be at least 1, not 0"),
        ({"gae_lambda": 1.5}, r"gae_lambda must be in \[0, 1\], not 1.5"),
        ({"value_coef": -1.0}, "value_coef must be at least 0"),
    ],
)
def test_absurd_numbers_are_refused(options, sentence):
    with pytest.raises(SandlotError, match=sentence):
        A2CConfig(**options)


def test_a_transformer_that_remembers_more_than_a_rollout_is_refused():
    with pytest.raises(SandlotError, match="memory_length must be at most num_steps, 5, not 32"):
        A2C("CartPole-v1", config=A2CConfig(network="transformer"))
