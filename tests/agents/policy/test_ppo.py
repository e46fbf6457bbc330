import math

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from sandlot.agents import PPO, PPOConfig
from sandlot.agents.base import Spaces
from sandlot.agents.buffers.rollout import RolloutBatch, gae, minibatches
from sandlot.agents.evaluation import evaluate
from sandlot.agents.policy.ppo import policy_loss, ppo_loss, value_loss
from sandlot.envs import EnvFactory, EnvSpec
from sandlot.tracking import SandlotError
from tests.environments import ACTIONS, OBSERVATIONS, Endless, Match

QUICK = {"num_envs": 4, "num_steps": 32, "batch_size": 64, "epochs": 4, "learning_rate": 1e-2, "gamma": 0.5}


def learned(env, steps=1500, seed=1, **options):
    return PPO(env, seed=seed, **QUICK | options).learn(steps)


def match(observation="box", action="discrete"):
    return SyncVectorEnv([lambda: Match(observation, action)] * 4)


def even(*values):
    return torch.tensor(values), torch.full((len(values),), 1 / len(values))


class TestLosses:
    def test_policy_loss_by_hand(self):
        ratio, weight = even(0.5, 0.9, 1.5, 1.5)
        advantage = torch.tensor([1.0, 2.0, 1.0, -1.0])
        # Unclipped where that is the lower: 0.5, 1.8; clipped to 1.2; unclipped again: -1.5.
        expected = -(0.5 + 1.8 + 1.2 - 1.5) / 4
        assert policy_loss(ratio, advantage, weight, torch.tensor(0.2)).item() == pytest.approx(expected)

    def test_a_ratio_beyond_the_clip_gets_no_gradient(self):
        ratio, weight = even(1.5, 1.1)
        ratio.requires_grad_()
        policy_loss(ratio, torch.ones(2), weight, torch.tensor(0.2)).backward()
        assert ratio.grad is not None
        assert ratio.grad.tolist() == [0.0, -0.5]

    def test_value_loss_by_hand(self):
        value, weight = even(3.0, 0.0)
        old, target = torch.tensor([1.0, 0.0]), torch.tensor([2.0, 2.0])
        assert value_loss(value, old, target, weight, 0.0).item() == pytest.approx(0.5 * (1 + 4) / 2)
        # Clipped to 1.5 around the old value 1, the first error is 0.25; the larger error counts.
        assert value_loss(value, old, target, weight, 0.5).item() == pytest.approx(0.5 * (1 + 4) / 2)
        far = torch.tensor([4.0, 2.0])
        assert value_loss(value, old, far, weight, 0.5).item() == pytest.approx(0.5 * (2.5**2 + 4) / 2)

    def test_rows_that_only_reset_count_for_nothing(self):
        agent = PPO("CartPole-v1", seed=0)

        def loss(count, poison):
            zeros, ones = torch.zeros(1, count), torch.ones(1, count)
            advantage, weight = torch.arange(float(count))[None], ones.clone()
            if poison:
                weight[0, -1], advantage[0, -1] = 0.0, 1e6
            observation = torch.arange(4.0 * count).reshape(1, count, 4) / 40
            judged = (zeros - 0.7, zeros + 0.1, advantage, advantage + 0.1, weight)
            rollout = RolloutBatch(observation, zeros.bool(), zeros.long(), *judged)
            (rows,) = minibatches(rollout, count, 1, torch.Generator(), normalize_advantage=True)
            return ppo_loss(agent.policy, (rows, agent.policy.initial_memory(1), torch.tensor(0.2)), agent.config)[
                0
            ].item()

        assert loss(5, poison=True) == pytest.approx(loss(4, poison=False), rel=1e-5)
        assert loss(5, poison=False) != pytest.approx(loss(4, poison=False), rel=1e-2)

    def test_minibatches_hold_every_row_once_an_epoch(self):
        rows = torch.arange(24.0).reshape(6, 4)
        judged = (rows, rows, rows, rows, torch.ones(6, 4))
        rollout = RolloutBatch(rows[..., None], rows.bool(), rows.long(), *judged)
        batches = list(minibatches(rollout, 8, 2, torch.Generator().manual_seed(0), normalize_advantage=True))
        assert len(batches) == 6
        for epoch in (batches[:3], batches[3:]):
            assert sorted(torch.cat([batch.target for batch in epoch], 1)[0].tolist()) == list(range(24))
        assert not torch.equal(batches[0].target, batches[3].target)
        for batch in batches:
            assert batch.weight.sum().item() == pytest.approx(1)
            assert (batch.advantage * batch.weight).sum().item() == pytest.approx(0, abs=1e-6)
            assert (batch.advantage.square() * batch.weight).sum().item() == pytest.approx(1, rel=1e-5)

    def test_the_first_step_starts_at_ratio_one(self):
        agent = learned("CartPole-v1", steps=120)
        envs = agent.env_factory.batch()
        agent.reset(envs.reset(0), 0)
        for _ in range(31):
            agent.observe(envs.step(agent.exploration_action()))
        agent.buffer.add(agent.action, envs.step(agent.exploration_action()))
        (rows,) = minibatches(agent.compute_advantages()[0], 128, 1, torch.Generator(), normalize_advantage=True)
        _, metrics = ppo_loss(agent.policy, (rows, agent.policy.initial_memory(1), torch.tensor(0.2)), agent.config)
        assert metrics["train/approx_kl"].item() == pytest.approx(0, abs=1e-6)
        assert metrics["train/clip_fraction"].item() == 0
        assert metrics["losses/policy"].item() == pytest.approx(0, abs=1e-5)


class TestTruth:
    """Endless pays 1 a step for ever and is cut by the clock, so its value is 1 / (1 - gamma)."""

    GAMMA = 0.8

    def value(self, env, steps=6000):
        agent = learned(env, steps, gamma=self.GAMMA, num_steps=16, batch_size=32, value_coef=1.0)
        with torch.no_grad():
            episode_start = torch.zeros(1, 1, dtype=torch.bool)
            return agent.policy(torch.zeros(1, 1, 1), agent.policy.initial_memory(1), episode_start).value.item()

    @pytest.mark.parametrize("mode", list(AutoresetMode))
    def test_values_go_on_through_truncation(self, mode):
        env = SyncVectorEnv([Endless] * 4, autoreset_mode=mode)
        assert self.value(env) == pytest.approx(1 / (1 - self.GAMMA), rel=0.05)

    def test_the_wrong_handling_of_truncation_fails(self, monkeypatch):
        def wrong(reward, value, next_value, terminated, truncated, gamma, gae_lambda):
            return gae(reward, value, next_value, terminated | truncated, truncated, gamma, gae_lambda)

        monkeypatch.setattr("sandlot.agents.policy.ppo.gae", wrong)
        env = SyncVectorEnv([Endless] * 4)
        assert self.value(env) < 0.9 / (1 - self.GAMMA)


@pytest.mark.parametrize("observation", OBSERVATIONS)
def test_learns_from_every_observation(observation):
    options = {"batch_size": 32, "learning_rate": 1e-3} if observation == "image" else {}
    agent = learned(match(observation), 800 if observation == "image" else 1500, **options)
    assert score(agent, observation=observation) > 0.95 * 8


@pytest.mark.parametrize("action", ACTIONS)
def test_learns_every_action(action):
    agent = learned(match(action=action), 6000 if action == "box" else 2500)
    assert score(agent, action=action) > (0.85 if action == "box" else 0.95) * 8


@pytest.mark.parametrize(
    "options",
    [
        {"normalize_observations": True},
        {"normalize_rewards": True},
        {"clip_range_value": 0.2, "target_kl": 0.05, "entropy_coef": 0.01},
        {"learning_rate_schedule": "linear", "clip_range_schedule": "cosine"},
        {"shared_encoder": True, "activation": "relu", "hidden": (32,)},
        {"optimizer": "rmsprop", "learning_rate": 3e-3},
        {"precision": "bfloat16"},
    ],
    ids=str,
)
def test_learns_with_every_option(options):
    assert score(learned(match(), 2500, **options)) > 0.95 * 8


@pytest.mark.parametrize("observation", ["box", "image"])
def test_in_bfloat16_too_a_policy_is_compared_with_itself(observation):
    agent = PPO(match(observation), seed=1, **QUICK | {"precision": "bfloat16", "epochs": 1, "batch_size": 128})
    agent.policy.head.linear.weight.data *= 100
    steps, step = [], agent.learner.step
    agent.learner.step = lambda batch: steps.append(step(batch)) or steps[-1]
    agent.learn(128)
    # Before the first gradient step all ratios are 1, so the loss is the advantages' mean: 0.
    assert abs(steps[0]["losses/policy"].item()) < 1e-6


def test_the_wrong_reward_is_not_learned():
    """The bar of the tests above is out of reach for an agent that has learned nothing."""
    assert score(learned(match(), 1500, learning_rate=1e-9)) < 0.8 * 8


def score(agent, observation="box", action="discrete"):
    kwargs = {"observation": observation, "action": action}
    return evaluate(agent, EnvSpec("tests/Match-v0", kwargs), episodes=20).mean


def test_one_seed_gives_one_result():
    weights = [learned("CartPole-v1", seed=seed).learner.flat for seed in (1, 1, 2)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_the_number_of_threads_does_not_matter():
    weights = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        weights.append(learned("CartPole-v1", 600).learner.flat)
    torch.set_num_threads(1)
    assert torch.equal(*weights)


def test_learning_leaves_the_callers_generators_alone_at_construction():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    PPO("CartPole-v1", seed=1)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("options", [{}, {"normalize_observations": True, "normalize_rewards": True}], ids=str)
def test_a_saved_agent_acts_the_same_and_learns_on_the_same(options, tmp_path):
    agent = learned("CartPole-v1", 600, **options)
    agent.save(tmp_path / "agent")
    loaded = PPO.load(tmp_path / "agent")
    observation = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    for deterministic in (True, False):
        agent.noise.manual_seed(1)
        loaded.noise.manual_seed(1)
        np.testing.assert_array_equal(
            agent.predict(observation, deterministic=deterministic)[0],
            loaded.predict(observation, deterministic=deterministic)[0],
        )
    agent.learn(until=1400)
    loaded.learn(until=1400)
    assert torch.equal(agent.learner.flat, loaded.learner.flat)
    assert agent.env_step == loaded.env_step
    for name, value in agent.tensors().items():
        np.testing.assert_array_equal(value, loaded.tensors()[name])


def test_normalisation_is_frozen_when_playing():
    agent = learned("CartPole-v1", 600, normalize_observations=True)
    norm = agent.policy.preprocessor.norm
    assert norm.count > 400
    before = norm.mean.clone(), norm.count.clone()
    evaluate(agent, "CartPole-v1", episodes=4)
    assert torch.equal(norm.mean, before[0])
    assert torch.equal(norm.count, before[1])


def test_rewards_are_scaled_to_returns_of_spread_one():
    agent = learned("CartPole-v1", 2000, normalize_rewards=True, gamma=0.99)
    assert float(agent.reward_normalizer.variance) > 10
    buffer = agent.buffer
    assert 0 < agent.reward_normalizer.normalize(buffer.reward, buffer.ended, buffer.valid).max() < 1


def test_predict_takes_one_or_many():
    agent = PPO("CartPole-v1", seed=0)
    action, memory = agent.predict(np.zeros(4, np.float32))
    assert action.shape == ()
    many, _ = agent.predict(np.zeros((3, 4), np.float32), memory, np.ones(3, bool), deterministic=True)
    assert many.shape == (3,)
    with pytest.raises(SandlotError, match=r"has the shape \(4,\), and this one \(5,\)"):
        agent.predict(np.zeros(5))


def test_box_actions_stay_in_bounds():
    agent = PPO("Pendulum-v1", seed=0, log_std=3.0)
    action, _ = agent.predict(np.zeros((200, 3), np.float32))
    assert action.shape == (200, 1)
    assert action.dtype == np.float32
    assert np.abs(action).max() == 2.0


def test_stable_baselines_evaluates_our_agents():
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.evaluation import evaluate_policy

    agent = learned(match(), 2000)
    env = make_vec_env(lambda: gymnasium.wrappers.TimeLimit(Match(), 100), n_envs=2, seed=0)
    mean, _ = evaluate_policy(agent, env, n_eval_episodes=6)
    assert mean > 0.95 * 8


def test_takes_an_env_a_vector_env_or_spaces():
    assert PPO(Match(), num_steps=8, num_envs=1, batch_size=8).learn(16).env_step >= 16
    agent = PPO(Spaces(Match().observation_space, Match().action_space))
    assert agent.predict(np.zeros(2, np.float32))[0] in (0, 1)
    assert PPO(EnvFactory("CartPole-v1", 8)).spaces.action.n == 2


def test_options_beat_the_recipe_which_beats_the_defaults():
    assert PPO("CartPole-v1").config.gamma == 0.98
    assert PPO("CartPole-v1", gamma=0.9).config.gamma == 0.9
    assert PPO("CartPole-v1", config=PPOConfig()).config.gamma == 0.99
    assert PPO("Acrobot-v1", config=PPOConfig(gamma=0.7)).config.gamma == 0.7
    with pytest.raises(SandlotError, match="there is no option 'gama'"):
        PPO("CartPole-v1", gama=0.9)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"num_envs": 0}, "num_envs must be at least 1, not 0"),
        ({"gamma": 1.5}, r"gamma must be in \[0, 1\], not 1.5"),
        ({"clip_range": -0.1}, "clip_range must be positive"),
        ({"batch_size": 100}, "batch_size must divide num_envs × num_steps, which is 2048, not 100"),
        ({"hidden": (64, 0)}, "hidden sizes must be positive"),
        ({"entropy_coef": -1.0}, "entropy_coef must be at least 0"),
    ],
)
def test_absurd_numbers_are_refused(options, sentence):
    with pytest.raises(SandlotError, match=sentence):
        PPOConfig(**options)


def test_an_action_space_it_cannot_handle_is_a_sentence():
    spaces = Spaces(gymnasium.spaces.Box(0, 1, (2,)), gymnasium.spaces.Text(3))
    with pytest.raises(SandlotError, match="ppo can't act in the space Text"):
        PPO(spaces)


def test_a_network_that_cannot_read_the_observations_is_a_sentence():
    with pytest.raises(SandlotError, match="the network 'cnn' reads images"):
        PPO("CartPole-v1", network="cnn")
    small = Spaces(gymnasium.spaces.Box(0, 255, (20, 20, 3), np.uint8), gymnasium.spaces.Discrete(2))
    for network in ("auto", "mlp"):  # auto takes a small strided CNN
        assert PPO(small, network=network).predict(np.zeros((20, 20, 3), np.uint8))[0] in (0, 1)


def test_a_nan_from_the_environment_is_told_by_its_name():
    with pytest.raises(
        SandlotError,
        match="Broken-v0 gave a reward that is NaN or infinite in copy 0, at step 5",
    ):
        learned("tests/Broken-v0")


def test_loading_another_kind_of_agent_is_a_sentence(tmp_path):
    agent = PPO("CartPole-v1")
    agent.save(tmp_path / "agent")
    with pytest.raises(SandlotError, match="other spaces"):
        PPO.load(tmp_path / "agent", env="Acrobot-v1")
    with pytest.raises(SandlotError, match="no such folder"):
        PPO.load(tmp_path / "nothing")


def test_evaluation_gives_each_environment_its_share():
    agent = PPO("CartPole-v1", seed=0)
    evaluation = evaluate(agent, "CartPole-v1", episodes=7)
    low, high = evaluation.interval()
    assert len(evaluation.returns) == 7
    assert low <= evaluation.mean <= high
    assert math.isclose(evaluation.lengths.mean(), evaluation.mean)
