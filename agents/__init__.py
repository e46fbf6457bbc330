"""Algorithms that act."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .a2c import A2C, A2CConfig
    from .agent import Agent, Player
    from .ddpg import DDPG, DDPGConfig
    from .dqn import DQN, DQNConfig
    from .evaluation import Evaluation, evaluate
    from .loop import train
    from .ppo import PPO, PPOConfig
    from .reinforce import REINFORCE, REINFORCEConfig
    from .sac import SAC, SACConfig
    from .sb3 import sb3_agent
    from .td3 import TD3, TD3Config

AGENTS = {
    "a2c": ("A2C", "advantage actor-critic"),
    "ddpg": ("DDPG", "deep deterministic policy gradient"),
    "dqn": ("DQN", "deep Q-learning, with the parts of Rainbow"),
    "ppo": ("PPO", "proximal policy optimisation"),
    "reinforce": ("REINFORCE", "Monte-Carlo policy gradient"),
    "sac": ("SAC", "soft actor-critic"),
    "td3": ("TD3", "twin delayed DDPG"),
}
"""For each agent's name on the command line, its class and what it is."""

_HOMES = {
    "A2C": "a2c",
    "A2CConfig": "a2c",
    "Agent": "agent",
    "DDPG": "ddpg",
    "DDPGConfig": "ddpg",
    "DQN": "dqn",
    "DQNConfig": "dqn",
    "Evaluation": "evaluation",
    "PPO": "ppo",
    "PPOConfig": "ppo",
    "Player": "agent",
    "REINFORCE": "reinforce",
    "REINFORCEConfig": "reinforce",
    "SAC": "sac",
    "SACConfig": "sac",
    "TD3": "td3",
    "TD3Config": "td3",
    "evaluate": "evaluation",
    "sb3_agent": "sb3",
    "train": "loop",
}

__all__ = [
    "A2C",
    "AGENTS",
    "DDPG",
    "DQN",
    "PPO",
    "REINFORCE",
    "SAC",
    "TD3",
    "A2CConfig",
    "Agent",
    "DDPGConfig",
    "DQNConfig",
    "Evaluation",
    "PPOConfig",
    "Player",
    "REINFORCEConfig",
    "SACConfig",
    "TD3Config",
    "evaluate",
    "sb3_agent",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: some agents need no torch, whose import takes a second."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
