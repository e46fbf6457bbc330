"""Algorithms that act."""

from typing import TYPE_CHECKING

from sandlot.tracking.common.lazy import importing

if TYPE_CHECKING:
    from .base import Agent
    from .continuous.ddpg import DDPG, DDPGConfig
    from .continuous.sac import SAC, SACConfig
    from .continuous.td3 import TD3, TD3Config
    from .evaluation import Evaluation, evaluate
    from .loop import train
    from .policy.a2c import A2C, A2CConfig
    from .policy.ppo import PPO, PPOConfig
    from .policy.reinforce import REINFORCE, REINFORCEConfig
    from .sb3 import sb3_agent
    from .tabular.double_q_learning import DoubleQLearning, DoubleQLearningConfig
    from .tabular.expected_sarsa import ExpectedSarsa, ExpectedSarsaConfig
    from .tabular.q_learning import QLearning, QLearningConfig
    from .tabular.sarsa import Sarsa, SarsaConfig
    from .value.dqn import DQN, DQNConfig

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
    "A2C": "policy.a2c",
    "A2CConfig": "policy.a2c",
    "DDPG": "continuous.ddpg",
    "DDPGConfig": "continuous.ddpg",
    "DoubleQLearning": "tabular.double_q_learning",
    "DoubleQLearningConfig": "tabular.double_q_learning",
    "DQN": "value.dqn",
    "DQNConfig": "value.dqn",
    "evaluate": "evaluation",
    "Evaluation": "evaluation",
    "ExpectedSarsa": "tabular.expected_sarsa",
    "ExpectedSarsaConfig": "tabular.expected_sarsa",
    "Agent": "base",
    "PPO": "policy.ppo",
    "PPOConfig": "policy.ppo",
    "QLearning": "tabular.q_learning",
    "QLearningConfig": "tabular.q_learning",
    "REINFORCE": "policy.reinforce",
    "REINFORCEConfig": "policy.reinforce",
    "SAC": "continuous.sac",
    "SACConfig": "continuous.sac",
    "Sarsa": "tabular.sarsa",
    "SarsaConfig": "tabular.sarsa",
    "sb3_agent": "sb3",
    "TD3": "continuous.td3",
    "TD3Config": "continuous.td3",
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
