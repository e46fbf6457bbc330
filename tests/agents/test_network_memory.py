import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from sandlot.agents import A2C, PPO, REINFORCE
from sandlot.agents.base import Spaces
from sandlot.agents.buffers.rollout import split_sequences
from sandlot.agents.spaces.observation_encoder import IMAGE_NETWORKS, MEMORY_NETWORKS
from sandlot.tracking import SandlotError
from tests.commands import in_a_folder_of_its_own, learned_apart  # noqa: F401 (a fixture)
from tests.environments import OBSERVATIONS, Counter, Match

SMALL = {"num_envs": 4, "num_steps": 16, "batch_size": 32, "epochs": 2, "memory_size": 16, "memory_length": 4}
SMALL_OF = {
    PPO: SMALL,
    A2C: {"num_envs": 4, "num_steps": 16, "memory_size": 16, "memory_length": 4},
    REINFORCE: {"num_envs": 4, "batch_size": 40, "memory_size": 16, "memory_length": 4},
}
VECTOR_CASES = ["mlp", *MEMORY_NETWORKS, "mlp+lstm", "lstm+mlp", "gru+transformer"]
IMAGE_CASES = [*IMAGE_NETWORKS, "mlp", "cnn+lstm", "impala+transformer", "gru"]


def match(observation, action="discrete"):
    return SyncVectorEnv([lambda: Match(observation, action)] * 4)


def cases():
    """Every network with every agent, and with PPO also every kind of observation that it fits."""
    for agent in SMALL_OF:
        for network in VECTOR_CASES:
            for observation in ("box", "discrete", "dict", "tuple") if agent is PPO else ("box",):
                yield agent, observation, "discrete", network
            yield agent, "box", "box", network
        for network in IMAGE_CASES:
            yield agent, "image", "discrete", network


@pytest.mark.parametrize(("kind", "observation", "action", "network"), list(cases()))
def test_every_network_that_fits_learns_something_and_survives_saving(kind, observation, action, network, tmp_path):
    torch.set_num_threads(1)
    agent = kind(match(observation, action), seed=0, network=network, **SMALL_OF[kind])
    before = agent.learner.flat.clone()
    agent.learn(140)
    assert torch.isfinite(agent.learner.flat).all()
    assert not torch.equal(agent.learner.flat, before)
    agent.save(tmp_path / "agent")
    loaded = kind.load(tmp_path / "agent", env=match(observation, action))
    space = OBSERVATIONS[observation][0]
    memories = [None, None]
    for _ in range(3):
        seen = space.sample()
        actions = []
        for index, each in enumerate((agent, loaded)):
            chosen, memories[index] = each.predict(seen, memories[index], deterministic=True)
            actions.append(chosen)
        np.testing.assert_array_equal(*actions)


@pytest.mark.parametrize("network", MEMORY_NETWORKS)
def test_predict_carries_the_memory_and_forgets_at_a_start(network):
    agent = PPO(Spaces(Counter.observation_space, Counter.action_space), seed=0, network=network, memory_size=16)
    first, second = np.ones((1, 1), np.float32), 5 * np.ones((1, 1), np.float32)

    def distribution(observation, memory, episode_start):
        inputs, flag = torch.as_tensor(observation)[None], torch.tensor([[episode_start]])
        memory = agent.policy.initial_memory(1) if memory is None else memory
        return agent.policy.act(inputs, memory, flag)[0].logits

    _, memory = agent.predict(first)
    fresh = distribution(second, None, episode_start=True)
    assert not torch.allclose(distribution(second, memory, episode_start=False), fresh)
    torch.testing.assert_close(distribution(second, memory, episode_start=True), fresh)
    _, again = agent.predict(second, memory, np.array([True]))
    assert again is not None


@pytest.mark.parametrize("sequence_length", [0, 8])
@pytest.mark.parametrize("network", ["lstm", "transformer"])
def test_the_policy_that_is_evaluated_is_the_one_that_acted(network, sequence_length):
    """Running the rollout whole gives the log-probabilities of stepping through it, with resets in the middle.

    So does running the sequences that it is cut into side by side, each from its own memory.
    """
    env = SyncVectorEnv([lambda: Counter(5), lambda: Counter(9)])
    options = SMALL | {"num_envs": 2, "batch_size": 16, "sequence_length": sequence_length}
    agent = PPO(env, seed=0, network=network, **options)
    envs = agent.env_factory.batch()
    agent.reset(envs.reset(0), 0)
    log_probs = []
    for _ in range(16):
        episode_start = agent.buffer.latest(agent.device)[1]
        distribution, _ = agent.policy.act(agent.buffer.latest(agent.device)[0], agent.memory, episode_start)
        action = agent.exploration_action()
        log_probs.append(distribution.log_prob(torch.from_numpy(agent.action)[None]))
        agent.buffer.add(agent.action, envs.step(action))
    acting = agent.memory
    rollout, memories = agent.compute_advantages()
    torch.testing.assert_close(rollout.log_prob, torch.cat(log_probs), atol=1e-5, rtol=1e-4)
    rows, first = split_sequences(rollout, memories)
    assert rows.weight.shape == ((8, 4) if sequence_length else (16, 2))
    distribution, value = agent.policy.evaluate(rows.observation, first, rows.episode_start)
    torch.testing.assert_close(distribution.log_prob(rows.action), rows.log_prob, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(value, rows.value, atol=1e-5, rtol=1e-4)
    for evaluated, stepped in zip(leaves(agent.memory[0]), leaves(acting[0]), strict=True):
        torch.testing.assert_close(evaluated, stepped, atol=1e-5, rtol=1e-4)


def leaves(tree):
    return [leaf for part in tree for leaf in leaves(part)] if isinstance(tree, tuple) else [tree]


@pytest.mark.parametrize(("network", "sequence_length"), [("mlp", 0), ("lstm", 0), ("lstm", 4), ("transformer", 0)])
def test_values_of_final_observations_are_the_same_however_episodes_restart(network, sequence_length):
    """With two episodes of a known course, the next value at the truncated row is that of the final observation."""

    def next_values(mode):
        env = SyncVectorEnv([lambda: Counter(5)] * 2, autoreset_mode=mode)
        options = {"num_envs": 2, "batch_size": 16, "gae_lambda": 0.0, "sequence_length": sequence_length}
        agent = PPO(env, seed=0, network=network, **SMALL | options)
        envs = agent.env_factory.batch()
        agent.reset(envs.reset(0), 0)
        for _ in range(5):
            agent.observe(envs.step(agent.exploration_action()))
        while not agent.buffer.full:
            agent.buffer.add(agent.action, envs.step(agent.exploration_action()))
        rollout, _ = agent.compute_advantages()
        # With lambda 0 the target is reward + gamma * next value.
        return (rollout.target[4] - 1) / agent.config.gamma

    expected = next_values(AutoresetMode.NEXT_STEP)
    torch.testing.assert_close(next_values(AutoresetMode.SAME_STEP), expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(next_values(AutoresetMode.DISABLED), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"network": "lstn"}, "there is no network 'lstn'; choose from mlp, cnn"),
        ({"network": "cnn+lstm"}, "the network 'cnn' reads images, and these observations are none"),
        ({"network": "lstm+cnn"}, "the network 'cnn' reads raw observations, so it must come first in 'lstm\\+cnn'"),
        ({"network": "transformer", "heads": 5}, "5 heads don't divide a transformer of size 64; try 4"),
        ({"network": "transformer", "memory_length": 0}, "memory_length must be at least 1, not 0"),
        (
            {"network": "transformer", "memory_length": 999},
            "memory_length must be at most the sequence length, 64, not 999",
        ),
        (
            {"network": "lstm", "batch_size": 32},
            "batch_size must be a multiple of the sequence length, 64, for networks with memory",
        ),
        ({"network": "board+mlp"}, "the network 'board' reads rows and columns of cells"),
        ({"network": "lstm", "memory_size": 0}, "memory_size must be at least 1, not 0"),
        ({"dropout": 1.5}, r"dropout must be in \[0, 1\), not 1.5"),
    ],
)
def test_networks_that_do_not_fit_are_a_sentence(options, sentence):
    with pytest.raises(SandlotError, match=sentence):
        PPO("CartPole-v1", **options)


def test_networks_with_memory_are_not_compiled():
    agent = PPO("CartPole-v1", network="lstm", compile="on")
    with pytest.raises(SandlotError, match="can't be compiled whole"):
        agent.prepare(10_000)
    PPO("CartPole-v1", network="lstm").prepare(10**9)


def test_the_environments_are_what_they_say():
    repeat = gymnasium.make("sandlot/Repeat-v0", delay=2, length=6)
    shown, total, over = [repeat.reset(seed=3)[0]], 0.0, False
    while not over:
        action = shown[-3].argmax() if len(shown) > 2 else 0
        observation, reward, over, _, _ = repeat.step(action)
        shown.append(observation)
        total += reward
    assert total == pytest.approx(1.0)

    for seed in range(4):
        maze = gymnasium.make("sandlot/TMaze-v0", length=3)
        sign = maze.reset(seed=seed)[0][0]
        corridor = [maze.step(0) for _ in range(3)]
        assert [step[1:3] for step in corridor] == [(0.0, False)] * 3
        assert corridor[-1][0].tolist() == [0, 1]
        assert maze.step(2 if sign == 1 else 1)[1:3] == (1.0, True)

    hidden = gymnasium.make("sandlot/CartPoleHidden-v1")
    assert hidden.reset(seed=0)[0].shape == (2,)
    with pytest.raises(ValueError, match="delay must be between"):
        gymnasium.make("sandlot/Repeat-v0", delay=40)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "env"),
    [(network, "sandlot/TMaze-v0") for network in ("lstm", "gru", "mlp")]
    + [(network, "sandlot/Repeat-v0") for network in ("lstm", "transformer", "mlp")],
)
def test_memory_solves_what_needs_memory_and_an_mlp_stays_at_chance(network, env):
    kwargs, steps = ('{"length": 3}', "30_000") if "TMaze" in env else ('{"delay": 1}', "40_000")
    words = ["--env-kwargs", kwargs, "--steps", steps, "--network", network, "--seed", "1"]
    reached = learned_apart("ppo", env, *words)
    if network == "mlp":
        assert reached < (0.65 if "TMaze" in env else 0.35)
    else:
        assert reached > 0.95
