"""Algorithms that act."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .agent import Agent
    from .double_q_learning import DoubleQLearning, DoubleQLearningConfig
    from .dqn import DQN, DQNConfig
    from .evaluation import Evaluation, evaluate
    from .expected_sarsa import ExpectedSarsa, ExpectedSarsaConfig
    from .loop import train
    from .ppo import PPO, PPOConfig
    from .q_learning import QLearning, QLearningConfig
    from .sarsa import Sarsa, SarsaConfig

AGENTS = {
    "dqn": ("DQN", "deep Q-learning, with the parts of Rainbow"),
    "ppo": ("PPO", "proximal policy optimisation"),
    "q-learning": ("QLearning", "Q-learning with a table"),
    "double-q-learning": ("DoubleQLearning", "Q-learning with two tables that judge each other"),
    "sarsa": ("Sarsa", "Sarsa with a table"),
    "expected-sarsa": ("ExpectedSarsa", "expected Sarsa with a table"),
}
"""For each agent's name on the command line, its class and what it is."""

_HOMES = {
    "Agent": "agent",
    "DoubleQLearning": "double_q_learning",
    "DoubleQLearningConfig": "double_q_learning",
    "DQN": "dqn",
    "DQNConfig": "dqn",
    "Evaluation": "evaluation",
    "ExpectedSarsa": "expected_sarsa",
    "ExpectedSarsaConfig": "expected_sarsa",
    "PPO": "ppo",
    "PPOConfig": "ppo",
    "QLearning": "q_learning",
    "QLearningConfig": "q_learning",
    "Sarsa": "sarsa",
    "SarsaConfig": "sarsa",
    "evaluate": "evaluation",
    "train": "loop",
}

__all__ = [
    "AGENTS",
    "DQN",
    "PPO",
    "Agent",
    "DQNConfig",
    "DoubleQLearning",
    "DoubleQLearningConfig",
    "Evaluation",
    "ExpectedSarsa",
    "ExpectedSarsaConfig",
    "PPOConfig",
    "QLearning",
    "QLearningConfig",
    "Sarsa",
    "SarsaConfig",
    "evaluate",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: some agents need no torch, whose import takes a second."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
