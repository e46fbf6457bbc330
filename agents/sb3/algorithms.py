"""The algorithms of Stable-Baselines3 and sb3-contrib by name."""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from sandlot.tracking import SandlotError

if TYPE_CHECKING:
    from .agent import SB3Agent

SB3, CONTRIB = "stable_baselines3", "sb3_contrib"
ALGORITHMS = {
    "sb3:ppo": (SB3, "PPO"),
    "sb3:a2c": (SB3, "A2C"),
    "sb3:dqn": (SB3, "DQN"),
    "sb3:sac": (SB3, "SAC"),
    "sb3:td3": (SB3, "TD3"),
    "sb3:ddpg": (SB3, "DDPG"),
    "sb3:tqc": (CONTRIB, "TQC"),
    "sb3:qrdqn": (CONTRIB, "QRDQN"),
    "sb3:trpo": (CONTRIB, "TRPO"),
    "sb3:ars": (CONTRIB, "ARS"),
    "sb3:crossq": (CONTRIB, "CrossQ"),
    "sb3:maskable-ppo": (CONTRIB, "MaskablePPO"),
    "sb3:recurrent-ppo": (CONTRIB, "RecurrentPPO"),
}
"""The package and the class of each name on the command line."""


@cache
def sb3_agent(name: str) -> "type[SB3Agent]":
    """Return the agent class of the algorithm `name`, such as "sb3:ppo".

    Example:
        >>> agent = sb3_agent("sb3:ppo")("CartPole-v1", seed=1).learn(50_000)

    Raises `SandlotError` if its package is not installed.
    """
    package, algorithm = ALGORITHMS[name]
    try:
        algorithm_type = getattr(import_module(package), algorithm)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise SandlotError(
            f"{name!r} needs the package {package!r}, which is not installed; "
            'install it with: pip install "sandlot[sb3-contrib]"'
        ) from error
    from .agent import SB3Agent
    from .config import make_config_class

    config_type = make_config_class(algorithm_type)
    members = {"name": name, "algorithm": algorithm_type, "Config": config_type, "__module__": __name__}
    return type(f"{algorithm}Agent", (SB3Agent,), members)
