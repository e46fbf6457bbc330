"""TD3 and DDPG, and what all agents for real-valued actions must do."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv

from sandlot.agents import DDPG, SAC, TD3, DDPGConfig, TD3Config
from sandlot.agents.base import Spaces
from sandlot.agents.continuous import ddpg, td3
from sandlot.agents.continuous.actor_critics import ActorBatch, CriticBatch, td_target
from sandlot.agents.loading import load_agent
from sandlot.agents.loop import train
from sandlot.tracking import Run, SandlotError
from tests.control import MATRIX, QUICK, SMALL, Controlled, constant_critics, learned_values, match, score, transitions
from tests.environments import OBSERVATIONS

WEIGHT = torch.full((1, 2), 0.5)
ALL = pytest.mark.parametrize("kind", [SAC, TD3, DDPG])
BOTH = pytest.mark.parametrize("kind", [TD3, DDPG])


def actor_batch(agent, rows, noise=None):
    return ActorBatch(rows.observation, rows.episode_start, rows.weight / agent.config.batch_size, noise)


def two_states(kind, **options):
    return kind(Spaces(Controlled.observation_space, Controlled.action_space), hidden=(4,), **options)


class TestLosses:
    def test_smoothing_clips_the_noise_and_then_the_action(self):
        action, noise = torch.tensor([[0.0], [0.9], [-0.2]]), torch.tensor([[2.0], [0.4], [-0.1]])
        assert td3.smoothed(action, noise, 0.5).flatten().tolist() == pytest.approx([0.5, 1.0, -0.3])

    def test_the_lowest_critic_counts(self):
        assert td3.clipped_double_q(torch.tensor([[1.0, 5.0], [2.0, 3.0]])).tolist() == [1.0, 3.0]

    @BOTH
    def test_the_target_by_hand(self, kind):
        agent = two_states(kind, gamma=0.9)
        constant_critics(
            *((agent.target_critics.module, [3.0, 4.0]) if kind is TD3 else (agent.target_critic.module, [3.0]))
        )
        rows = transitions([1.0, 1.0], [False, True])
        assert td_target(rows, agent.next_value(rows)).tolist() == [[pytest.approx(1 + 0.9 * 3.0), 1.0]]

    def test_the_target_smooths_the_target_policy(self):
        """A critic that says what the action is shows which actions the target is made of."""
        agent = two_states(TD3, target_policy_noise=10.0, target_noise_clip=0.3)
        agent.target_policy.flat.zero_()
        rows = transitions([0.0] * 64, [False] * 64)
        seen = []
        agent.target_critics.module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[2]))
        agent.next_value(rows)
        assert seen[0].abs().max().item() == pytest.approx(0.3)
        assert seen[0].std().item() > 0.2

    @pytest.mark.parametrize(
        ("module", "values", "expected"), [(td3, [1.0, 2.0], 5 / 2 + 1 / 2), (ddpg, [1.0], (4 + 1) / 2)]
    )
    def test_critic_loss_by_hand(self, module, values, expected):
        critics = two_states(TD3 if module is td3 else DDPG).critic_learner.module
        constant_critics(critics, values)
        rows = transitions([0.0, 0.0], [False, False])
        batch = CriticBatch(rows.observation, rows.episode_start, rows.action, torch.tensor([[3.0, 2.0]]), WEIGHT)
        assert module.critic_loss(critics, batch)[0].item() == pytest.approx(expected)

    @BOTH
    def test_the_policy_climbs_the_first_critic(self, kind):
        agent = two_states(kind, learning_rate=1e-2)
        constant_critics(agent.critic_learner.module, [2.0, 9.0] if kind is TD3 else [2.0])
        rows = transitions([0.0, 0.0], [False, False])
        batch = actor_batch(agent, rows)._replace(weight=WEIGHT)
        assert agent.actor_learner.loss(agent.policy, batch)[0].item() == pytest.approx(-2.0)
        for layer in agent.critic_learner.module.mlps.layers:  # Q = 10 a, where that is positive
            if hasattr(layer, "weight"):
                layer.weight.data[0].zero_()
                layer.weight.data[0, -1, 0] = 1.0
                layer.bias.data[0] = 1.0
        agent.critic_learner.module.mlps.layers[-1].weight.data[0, 0, 0] = 10.0
        before = agent.policy.rows(rows.observation, rows.episode_start)
        agent.actor_learner.step(batch)
        assert (agent.policy.rows(rows.observation, rows.episode_start) > before).all()

    def test_the_policy_and_the_targets_wait(self):
        agent = two_states(TD3, policy_delay=3)
        steps = []
        for _ in range(6):
            agent.update(transitions([1.0] * 8, [False] * 8))
            steps.append(agent.actor_learner.optimizer.steps)
        assert steps == [0, 0, 1, 1, 1, 2]

    def test_ddpg_has_one_critic_and_no_delay(self):
        agent = two_states(DDPG)
        agent.update(transitions([1.0] * 8, [False] * 8))
        assert agent.critic_learner.module.mlps.members == agent.actor_learner.optimizer.steps == 1


@BOTH
class TestTruth:
    """The end is worth 2 and followed by nothing, or by itself for ever: 2 / (1 - gamma)."""

    GAMMA = 0.5

    def values(self, kind, terminates):
        env = SyncVectorEnv([lambda: Controlled(terminates)] * 4)
        options = QUICK | {"gamma": self.GAMMA, "tau": 0.3}
        return learned_values(kind(env, seed=0, **options).learn(600))

    def test_values_go_on_through_truncation(self, kind):
        assert self.values(kind, False) == pytest.approx([1 + 0.5 * 4, 4], rel=0.06)

    def test_values_stop_at_termination(self, kind):
        assert self.values(kind, True) == pytest.approx([1 + 0.5 * 2, 2], rel=0.06)

    def test_the_wrong_handling_of_termination_fails(self, kind, monkeypatch):
        def wrong(sample, next_value):
            return sample.reward + self.GAMMA * next_value

        monkeypatch.setattr(f"sandlot.agents.continuous.{kind.name}.td_target", wrong)
        assert self.values(kind, True)[1] > 1.5 * 2


@BOTH
def test_learns_a_trivial_world(kind):
    assert score(kind(match(), seed=1, **QUICK).learn(800)) > 0.85 * 8


@pytest.mark.parametrize(
    "options", [{"n_step": 3}, {"normalize_observations": True}, {"normalization": "layer"}], ids=str
)
def test_learns_with_every_option(options):
    assert score(TD3(match(), seed=1, **QUICK | options).learn(800)) > 0.85 * 8


@pytest.mark.parametrize(("kind", "network"), [(SAC, "lstm"), (TD3, "transformer")])
def test_learns_with_memory(kind, network):
    options = {"network": network, "memory_size": 16, "memory_length": 4, "burn_in": 2, "sequence_length": 4}
    assert score(kind(match(), seed=1, **QUICK | options).learn(800)) > 0.85 * 8


@BOTH
def test_playing_adds_no_noise(kind):
    agent = kind("Pendulum-v1", seed=0, num_envs=1)
    observation = np.zeros((50, 3), np.float32)
    assert len(np.unique(agent.predict(observation)[0])) == 1


@ALL
def test_actions_stay_inside_any_bounds(kind):
    low, high = np.array([[-3, 0.1]], np.float32), np.array([[5, 0.3]], np.float32)
    space = spaces.Box(low, high)
    agent = kind(Spaces(spaces.Box(-1, 1, (3,)), space), seed=0, hidden=(8,))
    agent.actor_learner.flat.mul_(300)
    observation = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    actions, _ = agent.predict(observation)
    assert actions.shape == (200, 1, 2)
    assert all(space.contains(action) for action in actions)
    corners = agent.to_env(np.array([[-1.0, -1.0], [1.0, 1.0], [0.0, 0.0]], np.float32))
    np.testing.assert_allclose(corners, np.stack([low, high, (low + high) / 2]), rtol=1e-6)
    assert all(space.contains(action) for action in corners)


@ALL
def test_one_seed_gives_one_result(kind):
    options = QUICK | {"num_envs": 1}
    flats = [kind("Pendulum-v1", seed=seed, **options).learn(200).actor_learner.flat for seed in (1, 1, 2)]
    assert torch.equal(flats[0], flats[1])
    assert not torch.equal(flats[0], flats[2])


@ALL
@pytest.mark.parametrize(("observation", "network"), MATRIX)
def test_every_network_learns_something_and_survives_saving(kind, observation, network, tmp_path):
    agent = kind(match(observation), seed=0, network=network, **SMALL)
    before = [learner.flat.clone() for learner in (agent.critic_learner, agent.actor_learner)]
    agent.learn(44)
    for learner, flat in zip((agent.critic_learner, agent.actor_learner), before, strict=True):
        assert torch.isfinite(learner.flat).all()
        assert not torch.equal(learner.flat, flat)
    agent.save(tmp_path / "agent")
    loaded = kind.load(tmp_path / "agent", env=match(observation))
    memories = [None, None]
    for _ in range(3):
        seen, actions = OBSERVATIONS[observation][0].sample(), []
        for index, each in enumerate((agent, loaded)):
            chosen, memories[index] = each.predict(seen, memories[index], deterministic=True)
            actions.append(chosen)
        np.testing.assert_array_equal(*actions)


@ALL
def test_a_run_that_is_taken_up_again_ends_as_if_nothing_had_been(kind, tmp_path):
    """With the replay memory, the targets, the optimizers and whether the policy's turn is next."""
    options = QUICK | {"num_envs": 2, "train_freq": 3, "normalize_observations": True}
    config = {"agent": kind.name, "env": {"id": "Pendulum-v1"}, "seed": 3, "steps": 350}

    def trained(name, *stops):
        with Run.create(tmp_path, name, config, wandb="disabled") as run:
            for steps in stops:
                found = run.checkpoints()
                agent = load_agent(run, learning=True) if found else kind("Pendulum-v1", seed=3, **options)
                train(agent, steps, run=run, checkpoint_every=125)
            return load_agent(run, learning=True)

    whole, halved = trained("whole", 350), trained("halved", 250, 350)
    ours, theirs = whole.tensors() | whole.experience(), halved.tensors() | halved.experience()
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)


@pytest.mark.parametrize(
    ("config", "options", "sentence"),
    [
        (TD3Config, {"policy_delay": 0}, "policy_delay must be at least 1"),
        (TD3Config, {"target_policy_noise": -0.1}, "target_policy_noise must be at least 0"),
        (DDPGConfig, {"exploration_noise": -1.0}, "exploration_noise must be at least 0"),
        (DDPGConfig, {"buffer_size": 100}, "buffer_size must be at least 256"),
    ],
)
def test_absurd_numbers_are_refused(config, options, sentence):
    with pytest.raises(SandlotError, match=sentence):
        config(**options)


@BOTH
def test_actions_it_cannot_take_are_a_sentence(kind):
    for space in (spaces.Discrete(3), spaces.Box(-np.inf, np.inf, (2,)), spaces.Box(0, 9, (2,), np.int64)):
        with pytest.raises(SandlotError, match=f"{kind.name} needs a Box of floats with finite bounds"):
            kind(Spaces(spaces.Box(0, 1, (2,)), space))
