"""Every algorithm of Stable-Baselines3 and sb3-contrib, in a size that trains in a second."""

import numpy as np

from sandlot.agents.sb3 import sb3_agent
from sandlot.agents.training import Training

SMALL = {
    "sb3:ppo": {"n_steps": 32, "batch_size": 32, "n_epochs": 2, "num_envs": 2, "learning_rate": "lin_0.01"},
    "sb3:a2c": {},
    "sb3:dqn": {"learning_starts": 20, "train_freq": (1, "episode"), "n_steps": 3, "target_update_interval": 30,
                "buffer_size": 90},
    "sb3:sac": {"learning_starts": 60, "train_freq": 8, "batch_size": 16},
    "sb3:td3": {"learning_starts": 60, "train_freq": 8, "batch_size": 16, "noise_type": "ornstein-uhlenbeck"},
    "sb3:ddpg": {"learning_starts": 60, "train_freq": (8, "step"), "gradient_steps": 4, "batch_size": 16},
    "sb3:tqc": {"learning_starts": 60, "train_freq": 8, "batch_size": 16, "use_sde": True},
    "sb3:qrdqn": {"learning_starts": 20, "optimize_memory_usage": True,
                  "replay_buffer_kwargs": '{"handle_timeout_termination": false}'},
    "sb3:trpo": {"n_steps": 32, "batch_size": 32},
    "sb3:ars": {"n_delta": 1},
    "sb3:crossq": {"learning_starts": 60, "train_freq": 8, "batch_size": 16},
    "sb3:recurrent-ppo": {"n_steps": 32, "batch_size": 32, "n_epochs": 1},
}  # fmt: skip
CONTINUOUS = ("sb3:sac", "sb3:td3", "sb3:ddpg", "sb3:tqc", "sb3:crossq")


def new(name, **options):
    kind = sb3_agent(name)
    env = "Pendulum-v1" if name in CONTINUOUS else "CartPole-v1"
    return kind(env, seed=3, config=kind.Config(**SMALL[name] | options))


def play(agent, steps, end, metric_logger=None):
    training = Training(agent, steps)
    training.episodes = metric_logger or training.episodes
    agent.train_segment(training, end)
    return {name: array.copy() for name, array in (agent.tensors() | agent.experience()).items()}


def assert_same(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name in ours:
        if name != "counter/start_time":
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
