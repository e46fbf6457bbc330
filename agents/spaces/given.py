"""What an agent can be made for."""

from typing import NamedTuple

import gymnasium
from gymnasium import Space
from gymnasium.vector import VectorEnv

from sandlot.envs import EnvBatch, EnvFactory, EnvSpec


class Spaces(NamedTuple):
    """The observation and action space, for an agent that is loaded without its environment."""

    observation: Space
    action: Space


EnvLike = str | EnvSpec | gymnasium.Env | VectorEnv | EnvBatch | EnvFactory | Spaces
"""What an agent can be made for."""
