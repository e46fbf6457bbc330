import numpy as np
import pytest
import torch

from sandlot.agents import DDPG, DQN, PPO, REINFORCE, SAC, TD3, QLearning
from sandlot.agents.action_info import ActionInfo
from sandlot.envs import make
from sandlot.supervised.networks import SquashedGaussian
from tests.environments import Legal, Match

SMALL = {"hidden": (16,)}
LSTM = {"network": "lstm", **SMALL}
DISCRETE = [
    (PPO, {}),
    (PPO, {"network": "lstm"}),
    (REINFORCE, {}),
    (DQN, {}),
    (DQN, {"network": "lstm"}),
    (DQN, {"rainbow": True}),
]
CONTINUOUS = [(PPO, {}), (SAC, {}), (SAC, {"network": "lstm"}), (TD3, {}), (DDPG, {})]


def rows(count, seed=0):
    return np.random.default_rng(seed).random((count, 2)).astype(np.float32)


def made(kind, action, **options):
    return kind(Match(action=action), seed=3, **SMALL, **options)


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize(
    ("kind", "action", "options"),
    [(kind, "discrete-from-3", options) for kind, options in DISCRETE]
    + [(kind, "box", options) for kind, options in CONTINUOUS]
    + [(PPO, "multi-discrete", {}), (PPO, "multi-binary", {})],
)
def test_who_thinks_chooses_the_same(kind, action, options, deterministic):
    quiet, thinking = made(kind, action, **options), made(kind, action, **options)
    memory, other, episode_start = None, None, np.ones(3, bool)
    for step in range(4):
        observation = rows(3, step)
        chosen, memory = quiet.select_action(observation, memory, episode_start, deterministic)
        thought_out, other, action_info = thinking.explain(observation, other, episode_start, deterministic)
        np.testing.assert_array_equal(chosen, thought_out)
        assert chosen.dtype == thought_out.dtype
        assert all(part is None or len(part) == 3 for part in action_info)
        episode_start = np.array([False, step == 1, False])


@pytest.mark.parametrize(("kind", "options"), [(PPO, {}), (PPO, {"network": "lstm"}), (PPO, {"shared_encoder": True})])
def test_an_actor_critic_tells_its_policy_and_its_value(kind, options):
    agent = made(kind, "discrete", **options)
    observation, episode_start = rows(3).reshape(3, 1, 2), np.array([[True], [False], [False]])
    memory, told = None, []
    for row, begins in zip(observation, episode_start, strict=True):
        _, memory, action_info = agent.explain(row, memory, begins, True)
        told.append(action_info)
    with torch.no_grad():
        whole = torch.from_numpy(observation), agent.policy.initial_memory(1), torch.from_numpy(episode_start)
        distribution, value = agent.policy.evaluate(*whole)
    np.testing.assert_allclose([action_info.value for action_info in told], value.numpy(), atol=1e-5)
    wanted = torch.softmax(distribution.logits, -1)
    np.testing.assert_allclose([action_info.probability for action_info in told], wanted.numpy(), atol=1e-5)


def test_without_a_learned_value_none_is_told():
    episode_start = np.ones(2, bool)
    assert made(REINFORCE, "discrete", baseline="mean").explain(rows(2), None, episode_start, True)[2].value is None
    assert made(REINFORCE, "discrete").explain(rows(2), None, episode_start, True)[2].value is not None


@pytest.mark.parametrize("options", [{}, {"distribution": "c51"}, {"distribution": "quantile"}, {"dueling": True}])
def test_dqn_tells_the_values_of_its_actions(options):
    agent = made(DQN, "discrete", **options)
    action, _, action_info = agent.explain(rows(5), None, np.ones(5, bool), True)
    with torch.no_grad():
        atoms = agent.policy.atoms(torch.from_numpy(rows(5))[None], torch.ones(1, 5, dtype=torch.bool))
    if options.get("distribution") == "c51":
        wanted = (atoms.exp() * agent.policy.head.support).sum(-1)[0]
    else:
        wanted = atoms.mean(-1)[0]
    np.testing.assert_allclose(action_info.action_value, wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(action_info.value, action_info.action_value.max(1))
    np.testing.assert_array_equal(action_info.action_value.argmax(1), action)


@pytest.mark.parametrize("kind", [SAC, TD3, DDPG])
@pytest.mark.parametrize("network", ["mlp", "lstm"])
def test_the_lowest_critic_judges_the_action_that_is_taken(kind, network):
    agent = made(kind, "box", network=network)
    observation, episode_start = rows(3).reshape(3, 1, 2), np.array([[True], [False], [False]])
    memory, told, actions = None, [], []
    for row, begins in zip(observation, episode_start, strict=True):
        action, memory, action_info = agent.explain(row, memory, begins, False)
        told.append(action_info)
        actions.append(action)
    with torch.no_grad():
        whole = torch.from_numpy(observation), torch.from_numpy(episode_start), torch.from_numpy(np.stack(actions))
        wanted = agent.critic_learner.module(*whole).min(0).values
    np.testing.assert_allclose([action_info.value for action_info in told], wanted.numpy(), atol=1e-5)
    assert (told[0].std is None) is (kind is not SAC)
    if kind is not SAC:
        np.testing.assert_allclose([action_info.mean for action_info in told], actions, atol=1e-6)


def test_the_moments_of_a_squashed_gaussian():
    mean, log_std = torch.tensor([0.0, 0.7, -2.0]), torch.tensor([-3.0, 0.0, 0.5])
    draws = SquashedGaussian(mean.expand(50_000, 3), log_std).sample(torch.Generator().manual_seed(0))
    mean, std = SquashedGaussian(mean, log_std).moments()
    torch.testing.assert_close(mean, draws.mean(0), atol=0.01, rtol=0)
    torch.testing.assert_close(std, draws.std(0), atol=0.01, rtol=0)


def test_numbers_are_told_as_the_environment_takes_them():
    agent = SAC("Pendulum-v1", seed=0, **SMALL)  # its torque goes to 2
    with torch.no_grad():
        agent.policy.head.linear.weight.zero_()
        agent.policy.head.linear.bias.copy_(torch.tensor([10.0, -20.0]))
    _, _, action_info = agent.explain(np.zeros((1, 3), np.float32), None, np.ones(1, bool), True)
    np.testing.assert_allclose(action_info.mean, [[2.0]], atol=1e-5)
    np.testing.assert_allclose(action_info.std, [[0.0]], atol=1e-5)


@pytest.mark.parametrize("kind", [PPO, DQN])
def test_what_is_forbidden_is_not_thought_of(kind):
    agent = kind(Legal(tells="observation"), seed=0, **SMALL)
    mask = np.array([[0, 1, 1, 0], [1, 0, 0, 1]], np.int8)
    observation = {"observation": np.zeros((2, 4), np.float32), "action_mask": mask}
    _, _, action_info = agent.explain(observation, None, np.ones(2, bool), True)
    if kind is PPO:
        assert (action_info.probability[mask == 0] == 0).all()
        np.testing.assert_allclose(action_info.probability.sum(1), 1, rtol=1e-6)
    else:
        assert (action_info.action_value[mask == 0] == -np.inf).all()
        np.testing.assert_array_equal(action_info.value, np.where(mask, action_info.action_value, -np.inf).max(1))


def test_a_table_tells_its_row():
    agent = QLearning("FrozenLake-v1", seed=0).learn(2_000)
    action, _, action_info = agent.explain(np.array([0, 14]), None, np.ones(2, bool), True)
    np.testing.assert_array_equal(action_info.action_value, agent.q[0, [0, 14]])
    np.testing.assert_array_equal(action_info.value, agent.q[0, [0, 14]].max(1))
    np.testing.assert_array_equal(action, agent.q[0, [0, 14]].argmax(1))


SB3 = [
    ("sb3:ppo", "CartPole-v1", ("probability", "value")),
    ("sb3:a2c", "Pendulum-v1", ("mean", "std", "value")),
    ("sb3:dqn", "CartPole-v1", ("action_value", "value")),
    ("sb3:sac", "Pendulum-v1", ("mean", "std", "value")),
    ("sb3:td3", "Pendulum-v1", ("mean", "value")),
    ("sb3:tqc", "Pendulum-v1", ("mean", "std", "value")),
    ("sb3:qrdqn", "CartPole-v1", ("action_value", "value")),
    ("sb3:maskable-ppo", "Taxi-v4", ("probability", "value")),
    ("sb3:recurrent-ppo", "CartPole-v1", ()),
    ("sb3:ars", "CartPole-v1", ()),
]


@pytest.mark.parametrize(("name", "env", "parts"), SB3)
def test_stable_baselines_models_tell_what_they_can(name, env, parts):
    from sandlot.agents.sb3 import sb3_agent

    agent, envs = sb3_agent(name)(env, seed=0), make(env, 3)
    observation = envs.reset(seed=0)
    action, _, action_info = agent.explain(observation, None, np.ones(3, bool), True)
    np.testing.assert_array_equal(action, agent.select_action(observation, None, np.ones(3, bool), True)[0])
    assert {key for key, part in action_info._asdict().items() if part is not None} == set(parts)
    assert all(len(part) == 3 for part in action_info if part is not None)
    if action_info.probability is not None:
        np.testing.assert_array_equal(action_info.probability.argmax(1), action)
        np.testing.assert_allclose(action_info.probability.sum(1), 1, rtol=1e-5)
        if name == "sb3:maskable-ppo":
            assert (action_info.probability[observation["action_mask"] == 0] < 1e-6).all()
    if action_info.action_value is not None:
        np.testing.assert_array_equal(action_info.action_value.argmax(1), action)
    if name in ("sb3:sac", "sb3:td3"):
        judged = agent.model.policy.critic(
            torch.from_numpy(observation), torch.from_numpy(agent.model.policy.scale_action(action))
        )
        np.testing.assert_allclose(action_info.value, torch.cat(judged, 1).min(1).values.detach(), rtol=1e-5)
    envs.close()


def test_a_row_of_thoughts():
    action_info = ActionInfo(probability=np.eye(2), value=np.array([1.0, 2.0])).row(1)
    np.testing.assert_array_equal(action_info.probability, [0, 1])
    assert action_info.value == 2.0
    assert action_info.mean is None
