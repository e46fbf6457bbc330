"""Algorithms that act."""

from typing import TYPE_CHECKING

from tracking.lazy import importing

if TYPE_CHECKING:
    from .a2c import A2C, A2CConfig
    from .agent import Agent, Player
    from .ddpg import DDPG, DDPGConfig
    from .double_q_learning import DoubleQLearning, DoubleQLearningConfig
    from .dqn import DQN, DQNConfig
    from .evaluation import Evaluation, evaluate
    from .expected_sarsa import ExpectedSarsa, ExpectedSarsaConfig
    from .loop import train
    from .ppo import PPO, PPOConfig
    from .q_learning import QLearning, QLearningConfig
    from .reinforce import REINFORCE, REINFORCEConfig
    from .sac import SAC, SACConfig
    from .sarsa import Sarsa, SarsaConfig
    from .sb3 import sb3_agent
    from .td3 import TD3, TD3Config

AGENTS = {
    "q-learning": ("QLearning", "Q-learning with a table"),
    "double-q-learning": ("DoubleQLearning", "Q-learning with two tables that judge each other"),
    "sarsa": ("Sarsa", "Sarsa with a table"),
    "expected-sarsa": ("ExpectedSarsa", "expected Sarsa with a table"),
    "dqn": ("DQN", "deep Q-learning, with the parts of Rainbow"),
    "reinforce": ("REINFORCE", "Monte-Carlo policy gradient"),
    "a2c": ("A2C", "advantage actor-critic"),
    "ppo": ("PPO", "proximal policy optimisation"),
    "ddpg": ("DDPG", "deep deterministic policy gradient"),
    "td3": ("TD3", "twin delayed DDPG"),
    "sac": ("SAC", "soft actor-critic"),
}
"""For each agent's name on the command line, its class and what it is."""

_HOMES = {
    "A2C": "a2c",
    "A2CConfig": "a2c",
    "Agent": "agent",
    "DDPG": "ddpg",
    "DDPGConfig": "ddpg",
    "DoubleQLearning": "double_q_learning",
    "DoubleQLearningConfig": "double_q_learning",
    "DQN": "dqn",
    "DQNConfig": "dqn",
    "evaluate": "evaluation",
    "Evaluation": "evaluation",
    "ExpectedSarsa": "expected_sarsa",
    "ExpectedSarsaConfig": "expected_sarsa",
    "Player": "agent",
    "PPO": "ppo",
    "PPOConfig": "ppo",
    "QLearning": "q_learning",
    "QLearningConfig": "q_learning",
    "REINFORCE": "reinforce",
    "REINFORCEConfig": "reinforce",
    "SAC": "sac",
    "SACConfig": "sac",
    "Sarsa": "sarsa",
    "SarsaConfig": "sarsa",
    "sb3_agent": "sb3",
    "TD3": "td3",
    "TD3Config": "td3",
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
    "DoubleQLearning",
    "DoubleQLearningConfig",
    "Evaluation",
    "ExpectedSarsa",
    "ExpectedSarsaConfig",
    "PPOConfig",
    "Player",
    "QLearning",
    "QLearningConfig",
    "REINFORCEConfig",
    "SACConfig",
    "Sarsa",
    "SarsaConfig",
    "TD3Config",
    "evaluate",
    "sb3_agent",
    "train",
]

__getattr__ = importing(__name__, _HOMES)
