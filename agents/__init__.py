"""Algorithms that act."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .agent import Agent
    from .ddpg import DDPG, DDPGConfig
    from .dqn import DQN, DQNConfig
    from .evaluation import Evaluation, evaluate
    from .loop import train
    from .ppo import PPO, PPOConfig
    from .sac import SAC, SACConfig
    from .td3 import TD3, TD3Config

AGENTS = {
    "ddpg": ("DDPG", "deep deterministic policy gradient"),
    "dqn": ("DQN", "deep Q-learning, with the parts of Rainbow"),
    "ppo": ("PPO", "proximal policy optimisation"),
    "sac": ("SAC", "soft actor-critic"),
    "td3": ("TD3", "twin delayed DDPG"),
}
"""For each agent's name on the command line, its class and what it is."""

_HOMES = {
    "Agent": "agent",
    "DDPG": "ddpg",
    "DDPGConfig": "ddpg",
    "DQN": "dqn",
    "DQNConfig": "dqn",
    "Evaluation": "evaluation",
    "PPO": "ppo",
    "PPOConfig": "ppo",
    "SAC": "sac",
    "SACConfig": "sac",
    "TD3": "td3",
    "TD3Config": "td3",
    "evaluate": "evaluation",
    "train": "loop",
}

__all__ = [
    "AGENTS",
    "DDPG",
    "DQN",
    "PPO",
    "SAC",
    "TD3",
    "Agent",
    "DDPGConfig",
    "DQNConfig",
    "Evaluation",
    "PPOConfig",
    "SACConfig",
    "TD3Config",
    "evaluate",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: some agents need no torch, whose import takes a second."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
