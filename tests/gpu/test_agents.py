"""Every agent on a GPU: learns, saves, loads on either device, goes on exactly, and acts as on a CPU."""

import numpy as np
import pytest
import torch

from sandlot.agents import A2C, DDPG, DQN, PPO, REINFORCE, SAC, TD3
from sandlot.agents.evaluation import evaluate
from tests.gpu.conftest import DEVICE

ROLLOUT = {"num_envs": 4, "num_steps": 16}
REPLAY = {"learning_starts": 64, "buffer_size": 2000, "batch_size": 32}
AGENTS = {
    "ppo": (PPO, "CartPole-v1", {**ROLLOUT, "batch_size": 32, "epochs": 2}),
    "ppo box": (PPO, "Pendulum-v1", {**ROLLOUT, "batch_size": 32, "epochs": 2, "normalize_observations": True}),
    "ppo rnn": (PPO, "CartPole-v1", {**ROLLOUT, "batch_size": 32, "epochs": 2, "network": "rnn"}),
    "ppo lstm": (PPO, "CartPole-v1", {**ROLLOUT, "batch_size": 32, "epochs": 2, "network": "lstm"}),
    "ppo gru": (PPO, "CartPole-v1", {**ROLLOUT, "batch_size": 32, "epochs": 2, "network": "gru"}),
    "ppo transformer": (
        PPO, "CartPole-v1", {**ROLLOUT, "batch_size": 32, "epochs": 2, "network": "transformer", "memory_length": 8},
    ),
    "ppo images": (PPO, "sandlot/Catch-v0", {**ROLLOUT, "batch_size": 32, "epochs": 1}),
    "ppo bfloat16": (PPO, "CartPole-v1", {**ROLLOUT, "batch_size": 32, "network": "lstm", "precision": "bfloat16"}),
    "ppo table": (PPO, "FrozenLake-v1", {**ROLLOUT, "batch_size": 32, "epochs": 2}),
    "a2c": (A2C, "CartPole-v1", {"num_envs": 4}),
    "a2c lstm": (A2C, "CartPole-v1", {"num_envs": 4, "network": "lstm"}),
    "reinforce": (REINFORCE, "CartPole-v1", {"num_envs": 4, "batch_size": 64}),
    "dqn": (DQN, "CartPole-v1", REPLAY),
    "dqn rainbow": (DQN, "CartPole-v1", {**REPLAY, "rainbow": True}),
    "dqn quantile": (DQN, "CartPole-v1", {**REPLAY, "distribution": "quantile", "double": True, "prioritized": True}),
    "dqn lstm": (DQN, "CartPole-v1", {**REPLAY, "network": "lstm", "train_freq": 16}),
    "dqn images": (DQN, "sandlot/Catch-v0", {**REPLAY, "train_freq": 16}),
    "sac": (SAC, "Pendulum-v1", {**REPLAY, "hidden": (32, 32)}),
    "sac lstm": (SAC, "Pendulum-v1", {**REPLAY, "hidden": (32,), "network": "lstm", "train_freq": 16}),
    "td3": (TD3, "Pendulum-v1", {**REPLAY, "hidden": (32, 32)}),
    "ddpg": (DDPG, "Pendulum-v1", {**REPLAY, "hidden": (32, 32)}),
}  # fmt: skip
STEPS = 256


def make(name, **options):
    kind, env, kwargs = AGENTS[name]
    return kind(env, seed=1, device=DEVICE, **{**kwargs, **options})


def same(ours, theirs):
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("name", AGENTS)
def test_learns_the_same_from_the_same_seed_and_moves_between_devices(name, tmp_path):
    agent, again = make(name), make(name)
    before = agent.tensors()
    agent.learn(STEPS)
    again.learn(STEPS)
    after = agent.tensors()
    assert not same(before, after)
    assert same(after, again.tensors()), "the same seed gave other weights"
    assert all(np.isfinite(array).all() for array in after.values() if array.dtype.kind == "f")
    agent.save(tmp_path / "agent")
    env = AGENTS[name][1]
    loaded = type(agent).load(tmp_path / "agent")
    assert same(after, loaded.tensors())
    assert evaluate(loaded, env, episodes=2).returns.tolist() == evaluate(agent, env, episodes=2).returns.tolist()


@pytest.mark.parametrize("name", ["ppo", "dqn", "sac", "ppo lstm"])
def test_graphs_take_the_eager_steps(name):
    graphed, eager = make(name), make(name, cuda_graphs="off")
    graphed.learn(STEPS)
    eager.learn(STEPS)
    ours, theirs = graphed.tensors(), eager.tensors()
    for key, array in ours.items():
        np.testing.assert_allclose(array, theirs[key], rtol=1e-3, atol=1e-4, err_msg=key)


@pytest.mark.parametrize("name", ["ppo", "dqn", "sac"])
def test_acts_on_a_cpu_as_on_the_gpu(name, tmp_path):
    import dataclasses

    agent = make(name)
    agent.learn(STEPS)
    kind, env, _ = AGENTS[name]
    there = kind(env, seed=1, config=dataclasses.replace(agent.config, device="cpu"))
    there.load_tensors(agent.tensors())
    observation = np.stack([agent.spaces.observation.sample() for _ in range(64)])
    ours, _ = agent.predict(observation, deterministic=True)
    theirs, _ = there.predict(observation, deterministic=True)
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3)


def test_a_small_network_stays_on_the_cpu_and_a_large_one_does_not():
    assert PPO("CartPole-v1").device.type == "cpu"
    assert PPO("sandlot/Catch-v0").device.type == "cuda"
    assert SAC("Pendulum-v1", hidden=(256, 256), batch_size=256).device.type == "cuda"


def test_an_absent_card_is_a_sentence():
    from sandlot.tracking import SandlotError

    with pytest.raises(SandlotError, match="has no device 'cuda:99'"):
        PPO("CartPole-v1", device="cuda:99")


def test_nothing_waits_for_the_device_between_logs():
    agent = make("ppo", num_envs=8, num_steps=64, batch_size=64, epochs=4)
    agent.learn(1024)
    learner = agent.learner
    assert learner._graphs is not None
    assert not learner._graphs._broken
    assert torch.cuda.memory_allocated() > 0
