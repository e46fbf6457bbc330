"""What the tests of agents for real-valued actions share: a world of two states, and how to train in it."""

import torch
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv

from sandlot.agents.buffers.replay import Transitions
from sandlot.agents.evaluation import evaluate
from sandlot.envs import EnvSpec
from tests.environments import Match, TwoStates

QUICK = {
    "num_envs": 4, "hidden": (32,), "batch_size": 64, "learning_rate": 1e-2, "gamma": 0.5, "tau": 0.2,
    "learning_starts": 100, "buffer_size": 5_000, "train_freq": 4,
}  # fmt: skip
SMALL = {
    "num_envs": 4, "hidden": (16,), "batch_size": 16, "learning_starts": 20, "buffer_size": 500, "burn_in": 2,
    "sequence_length": 4, "memory_size": 16, "memory_length": 4, "train_freq": 4,
}  # fmt: skip
MATRIX = [
    *((observation, network) for observation in ("box", "dict", "tuple") for network in ("mlp", "lstm", "transformer")),
    *(("image", network) for network in ("auto", "cnn", "mlp", "cnn+lstm", "cnn+transformer")),
    ("box", "gru"),
    ("box", "mlp+lstm"),
]  # fmt: skip


class Controlled(TwoStates):
    """Two states with a real-valued action, which does nothing either."""

    action_space = spaces.Box(-1, 1, (1,))


def match(observation="box"):
    return SyncVectorEnv([lambda: Match(observation, "box")] * 4)


def score(agent, observation="box"):
    return evaluate(agent, EnvSpec("tests/Match-v0", {"observation": observation, "action": "box"}), episodes=20).mean


def transitions(reward, terminated, action=0.0, gamma=0.9):
    """Return rows, one after the other, of an action in the first state of two that led to the second."""
    count = len(reward)
    state = torch.eye(2)[:, None].expand(2, count, 2)
    start = torch.ones(1, count, dtype=torch.bool)
    discount = gamma * (1 - torch.tensor([terminated], dtype=torch.float32))
    return Transitions(
        state[:1], start, torch.full((1, count, 1), action), torch.tensor([reward]), discount, state[1:], start, None,
        torch.ones(1, count),
    )  # fmt: skip


def constant_critics(critics, values):
    """Make the critics say `values`, whatever they see."""
    for parameter in critics.mlps.parameters():
        parameter.data.zero_()
    critics.mlps.layers[-1].bias.data.copy_(torch.tensor(values).view(-1, 1, 1))


def learned_values(agent):
    """Return the lowest critic's values of doing nothing in the two states of `Controlled`."""
    with torch.no_grad():
        observation = torch.eye(2)[None]
        start = torch.ones(1, 2, dtype=torch.bool)
        return agent.critic_learner.module(observation, start, torch.zeros(1, 2, 1)).min(0).values[0].tolist()
