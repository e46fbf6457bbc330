import math
import subprocess
import sys

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from sandlot.agents import SAC, SACConfig
from sandlot.agents.base import Spaces
from sandlot.agents.continuous.actor_critics import ActorBatch, CriticBatch, td_target
from sandlot.agents.continuous.sac import critic_loss, soft_value, temperature_loss
from sandlot.tracking import SandlotError
from tests.control import QUICK, Controlled, constant_critics, learned_values, match, score, transitions

WEIGHT = torch.full((1, 2), 0.5)


def actor_batch(agent, rows, noise=None):
    return ActorBatch(rows.observation, rows.episode_start, rows.weight / agent.config.batch_size, noise)


def two_states(**options):
    return SAC(Spaces(Controlled.observation_space, Controlled.action_space), hidden=(4,), **options)


class TestLosses:
    def test_soft_value_by_hand(self):
        q = torch.tensor([[1.0, 5.0], [2.0, 3.0]])
        log_prob = torch.tensor([0.5, -1.0])
        assert soft_value(q, log_prob, torch.tensor(0.2)).tolist() == pytest.approx([1.0 - 0.1, 3.0 + 0.2])

    def test_the_target_by_hand(self):
        """In y = r + γ (min Q' - α log π), nothing follows where the episode terminated."""
        agent = two_states(gamma=0.9, alpha=0.5)
        constant_critics(agent.target.module, [3.0, 4.0])
        rows = transitions([1.0, 1.0], [False, True])
        agent.noise.manual_seed(0)
        y = td_target(rows, agent.next_value(rows))[0]
        agent.noise.manual_seed(0)
        with torch.no_grad():
            log_prob = agent.policy.rows(rows.next_observation, rows.next_episode_start).sample_with_log_prob(
                agent.noise
            )[1]
        assert y[0].item() == pytest.approx(1 + 0.9 * (3.0 - 0.5 * log_prob[0, 0].item()), rel=1e-5)
        assert y[1].item() == 1.0

    def test_critic_loss_by_hand(self):
        agent = two_states()
        critics = agent.critic_learner.module
        constant_critics(critics, [1.0, 2.0])
        rows = transitions([0.0, 0.0], [False, False])
        batch = CriticBatch(rows.observation, rows.episode_start, rows.action, torch.tensor([[3.0, 2.0]]), WEIGHT)
        loss, metrics = critic_loss(critics, batch)
        assert loss.item() == pytest.approx(0.5 * ((4 + 1) / 2 + (1 + 0) / 2))
        assert metrics["train/q"].item() == pytest.approx(1.5)

    def test_temperature_loss_by_hand(self):
        log_alpha, log_prob = torch.tensor(-2.0), torch.tensor([[1.0, 4.0]])
        assert temperature_loss(log_alpha, log_prob, -1.0, WEIGHT).item() == pytest.approx(2.0 * 1.5)

    def test_actor_loss_by_hand(self):
        agent = two_states(alpha=0.5, learn_alpha=False)
        constant_critics(agent.critic_learner.module, [3.0, 4.0])
        rows = transitions([0.0, 0.0], [False, False])
        batch = actor_batch(agent, rows, torch.tensor([[[0.0], [1.0]]]))
        batch = batch._replace(weight=WEIGHT)
        loss, metrics = agent.actor_learner.loss(agent.soft_policy, batch)
        with torch.no_grad():
            gaussian = agent.policy.rows(rows.observation, rows.episode_start).gaussian
        mean, std = gaussian.mean[0, 0, 0].item(), gaussian.log_std[0, 0, 0].exp().item()
        log_prob = [
            -0.5 * z**2 - math.log(std * math.sqrt(2 * math.pi)) - math.log(1 - math.tanh(mean + std * z) ** 2)
            for z in (0.0, 1.0)
        ]
        assert metrics["losses/actor"].item() == pytest.approx(0.5 * sum(log_prob) / 2 - 3.0, rel=1e-4)
        assert loss.item() == pytest.approx(metrics["losses/actor"].item() + 0.6931 * (sum(log_prob) / 2 - 1), rel=1e-3)

    @pytest.mark.parametrize(("target_entropy", "rises"), [(5.0, True), (-50.0, False)])
    def test_the_temperature_moves_towards_the_target_entropy(self, target_entropy, rises):
        agent = two_states(target_entropy=target_entropy)
        rows = transitions([0.0] * 8, [False] * 8)
        agent.actor_learner.step(actor_batch(agent, rows, torch.randn(1, 8, 1)))
        assert (agent.soft_policy.log_alpha.item() > 0) is rises

    def test_the_actors_step_leaves_the_critics_alone(self):
        agent = two_states()
        before = agent.critic_learner.flat.clone()
        agent.critic_learner.gradient.zero_()
        agent.actor_learner.step(actor_batch(agent, transitions([0.0] * 8, [False] * 8), torch.randn(1, 8, 1)))
        assert not agent.critic_learner.gradient.any()
        assert torch.equal(agent.critic_learner.flat, before)

    def test_what_the_actor_sees_of_the_critics_is_as_they_are_now(self):
        agent = two_states()
        seen = agent.critic_learner.frozen()
        constant_critics(agent.critic_learner.module, [7.0, 8.0])
        observation, episode_start = torch.zeros(1, 1, 2), torch.ones(1, 1, dtype=torch.bool)
        assert seen(observation, episode_start, torch.zeros(1, 1, 1)).flatten().tolist() == [7.0, 8.0]


class TestTruth:
    """The end is worth 2 and followed by nothing, or by itself for ever: 2 / (1 - gamma)."""

    GAMMA = 0.5

    def values(self, terminates, mode=AutoresetMode.NEXT_STEP):
        env = SyncVectorEnv([lambda: Controlled(terminates)] * 4, autoreset_mode=mode)
        options = QUICK | {"gamma": self.GAMMA, "alpha": 1e-6, "learn_alpha": False, "tau": 0.3}
        return learned_values(SAC(env, seed=0, **options).learn(600))

    @pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
    def test_values_go_on_through_truncation(self, mode):
        # The observation after the end is that of the end, so it leads to itself.
        assert self.values(False, mode) == pytest.approx([1 + 0.5 * 4, 4], rel=0.05)

    def test_values_stop_at_termination(self):
        assert self.values(True) == pytest.approx([1 + 0.5 * 2, 2], rel=0.05)

    def test_the_wrong_handling_of_termination_fails(self, monkeypatch):
        def wrong(sample, next_value):
            return sample.reward + self.GAMMA * next_value

        monkeypatch.setattr("sandlot.agents.continuous.sac.td_target", wrong)
        assert self.values(True)[1] > 1.5 * 2


@pytest.mark.parametrize("observation", ["box", "dict"])
def test_learns_a_trivial_world(observation):
    assert score(SAC(match(observation), seed=1, **QUICK).learn(1_200), observation) > 0.85 * 8


def test_what_has_learned_nothing_does_not_pass():
    assert score(SAC(match(), seed=1, **QUICK | {"learning_rate": 1e-9}).learn(300)) < 0.8 * 8


def test_the_temperature_falls_where_there_is_something_to_learn():
    agent = SAC(match(), seed=1, **QUICK).learn(600)
    assert agent.soft_policy.log_alpha.exp().item() < 0.5
    assert SAC(match(), seed=1, alpha=0.1, learn_alpha=False, **QUICK).learn(
        150
    ).soft_policy.log_alpha.exp().item() == (pytest.approx(0.1))


def test_a_policy_acts_at_random_only_if_asked():
    agent = SAC("Pendulum-v1", seed=0, num_envs=1)
    observation = np.zeros((200, 3), np.float32)
    assert len(np.unique(agent.predict(observation, deterministic=True)[0])) == 1
    assert len(np.unique(agent.predict(observation)[0])) > 100


def test_the_first_actions_are_uniform():
    agent = SAC("Pendulum-v1", seed=0, num_envs=50, learning_starts=1_000)
    envs = agent.env_factory.batch()
    agent.reset(envs.reset(0), 0)
    actions = np.concatenate([agent.exploration_action() for _ in range(20)])
    assert actions.min() < -1.98
    assert actions.max() > 1.98
    assert abs(actions.std() - 4 / math.sqrt(12)) < 0.05


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"alpha": 0.0}, "alpha must be positive"),
        ({"critics": 0}, "critics must be at least 1"),
        ({"tau": 0.0}, r"tau must be in \(0, 1\]"),
    ],
)
def test_absurd_numbers_are_refused(options, sentence):
    with pytest.raises(SandlotError, match=sentence):
        SACConfig(**options)


@pytest.mark.slow
def test_a_compiled_step_does_what_an_eager_one_does():
    # In a process of its own: shape checks at run time can't be compiled.
    code = """
import torch
from sandlot.agents import SAC

small = dict(num_envs=2, hidden=(16,), batch_size=16, learning_starts=20, buffer_size=500)
agents = [SAC("Pendulum-v1", seed=1, compile=how, **small).learn(60) for how in ("on", "off")]
for name in ("actor_learner", "critic_learner"):
    torch.testing.assert_close(*(getattr(agent, name).flat for agent in agents), atol=1e-4, rtol=1e-3)
print("same")
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "same", result.stderr


def test_a_world_without_bounds_is_a_sentence():
    box = gymnasium.spaces.Box(0, 1, (2,))
    for space in (gymnasium.spaces.Discrete(3), gymnasium.spaces.Box(-np.inf, np.inf, (2,))):
        with pytest.raises(SandlotError, match="sac needs a Box of floats with finite bounds as actions"):
            SAC(Spaces(box, space))
