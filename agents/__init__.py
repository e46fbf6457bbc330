"""Algorithms that act."""

from typing import TYPE_CHECKING

from sandlot.tracking.common.lazy import importing

if TYPE_CHECKING:  # for editors and type checkers; at run time the tables below find the names
    from .base import Agent as Agent
    from .continuous.ddpg import DDPG as DDPG
    from .continuous.ddpg import DDPGConfig as DDPGConfig
    from .continuous.sac import SAC as SAC
    from .continuous.sac import SACConfig as SACConfig
    from .continuous.td3 import TD3 as TD3
    from .continuous.td3 import TD3Config as TD3Config
    from .evaluation import Evaluation as Evaluation
    from .evaluation import evaluate as evaluate
    from .loading import load_agent as load_agent
    from .loop import train as train
    from .policy.a2c import A2C as A2C
    from .policy.a2c import A2CConfig as A2CConfig
    from .policy.ppo import PPO as PPO
    from .policy.ppo import PPOConfig as PPOConfig
    from .policy.reinforce import REINFORCE as REINFORCE
    from .policy.reinforce import REINFORCEConfig as REINFORCEConfig
    from .run_config import create_run as create_run
    from .sb3 import sb3_agent as sb3_agent
    from .tabular.double_q_learning import DoubleQLearning as DoubleQLearning
    from .tabular.double_q_learning import DoubleQLearningConfig as DoubleQLearningConfig
    from .tabular.expected_sarsa import ExpectedSarsa as ExpectedSarsa
    from .tabular.expected_sarsa import ExpectedSarsaConfig as ExpectedSarsaConfig
    from .tabular.q_learning import QLearning as QLearning
    from .tabular.q_learning import QLearningConfig as QLearningConfig
    from .tabular.sarsa import Sarsa as Sarsa
    from .tabular.sarsa import SarsaConfig as SarsaConfig
    from .value.dqn import DQN as DQN
    from .value.dqn import DQNConfig as DQNConfig

AGENTS: dict[str, tuple[str, str]] = {
    "q-learning": ("tabular.q_learning:QLearning", "Q-learning with a table"),
    "double-q-learning": ("tabular.double_q_learning:DoubleQLearning", "double Q-learning with two tables"),
    "sarsa": ("tabular.sarsa:Sarsa", "Sarsa with a table"),
    "expected-sarsa": ("tabular.expected_sarsa:ExpectedSarsa", "expected Sarsa with a table"),
    "dqn": ("value.dqn:DQN", "deep Q-learning, with the parts of Rainbow"),
    "reinforce": ("policy.reinforce:REINFORCE", "Monte-Carlo policy gradient"),
    "a2c": ("policy.a2c:A2C", "advantage actor-critic"),
    "ppo": ("policy.ppo:PPO", "proximal policy optimisation"),
    "ddpg": ("continuous.ddpg:DDPG", "deep deterministic policy gradient"),
    "td3": ("continuous.td3:TD3", "twin delayed DDPG"),
    "sac": ("continuous.sac:SAC", "soft actor-critic"),
}
"""For each agent's name on the command line, its module and class, and what it is. A line here registers an agent."""

_CLASSES = [place.split(":") for place, _ in AGENTS.values()]
EXPORTS: dict[str, str] = {
    **{name: module for module, name in _CLASSES},
    **{f"{name}Config": module for module, name in _CLASSES},
    "Agent": "base",
    "Evaluation": "evaluation",
    "create_run": "run_config",
    "evaluate": "evaluation",
    "load_agent": "loading",
    "sb3_agent": "sb3",
    "train": "loop",
}
"""For each public name, its module here."""

__getattr__ = importing(__name__, EXPORTS)
