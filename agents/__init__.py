"""Algorithms that act."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .a2c import A2C, A2CConfig
    from .agent import Agent, Player
    from .dqn import DQN, DQNConfig
    from .evaluation import Evaluation, evaluate
    from .loop import train
    from .ppo import PPO, PPOConfig
    from .reinforce import REINFORCE, REINFORCEConfig
    from .sb3 import sb3_agent

AGENTS = {
    "a2c": ("A2C", "advantage actor-critic"),
    "dqn": ("DQN", "deep Q-learning, with the parts of Rainbow"),
    "ppo": ("PPO", "proximal policy optimisation"),
    "reinforce": ("REINFORCE", "Monte-Carlo policy gradient"),
}
"""For each agent's name on the command line, its class and what it is."""

_HOMES = {
    "A2C": "a2c",
    "A2CConfig": "a2c",
    "Agent": "agent",
    "DQN": "dqn",
    "DQNConfig": "dqn",
    "Evaluation": "evaluation",
    "PPO": "ppo",
    "PPOConfig": "ppo",
    "REINFORCE": "reinforce",
    "REINFORCEConfig": "reinforce",
    "Player": "agent",
    "evaluate": "evaluation",
    "sb3_agent": "sb3",
    "train": "loop",
}

__all__ = [
    "A2C",
    "AGENTS",
    "DQN",
    "PPO",
    "REINFORCE",
    "A2CConfig",
    "Agent",
    "DQNConfig",
    "Evaluation",
    "PPOConfig",
    "Player",
    "REINFORCEConfig",
    "evaluate",
    "sb3_agent",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: some agents need no torch, whose import takes a second."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
