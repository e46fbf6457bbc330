"""Train agents and generative models on one network core, with a record of every run.

Example:
    from sandlot import PPO, evaluate

    agent = PPO("CartPole-v1", seed=1).learn(50_000)
    print(evaluate(agent, "CartPole-v1").mean)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandlot.agents import A2C as A2C
    from sandlot.agents import DDPG as DDPG
    from sandlot.agents import DQN as DQN
    from sandlot.agents import PPO as PPO
    from sandlot.agents import REINFORCE as REINFORCE
    from sandlot.agents import SAC as SAC
    from sandlot.agents import TD3 as TD3
    from sandlot.agents import Agent as Agent
    from sandlot.agents import DoubleQLearning as DoubleQLearning
    from sandlot.agents import ExpectedSarsa as ExpectedSarsa
    from sandlot.agents import QLearning as QLearning
    from sandlot.agents import Sarsa as Sarsa
    from sandlot.agents import create_run as create_run
    from sandlot.agents import evaluate as evaluate
    from sandlot.agents import load_agent as load_agent
    from sandlot.tracking import Run as Run


def __getattr__(name: str) -> Any:
    """Import the public names when they are asked for: torch takes a second."""
    if name == "Run":
        return import_module("sandlot.tracking").Run
    agents = import_module("sandlot.agents")
    if name not in agents.EXPORTS:
        raise AttributeError(f"module 'sandlot' has no attribute {name!r}")
    return getattr(agents, name)
