"""What an agent is made for or from."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import gymnasium
from gymnasium import Space
from gymnasium.vector import VectorEnv

from sandlot.envs import EnvBatch, EnvFactory, EnvSpec
from sandlot.tracking import SandlotError


class Spaces(NamedTuple):
    """The observation and action space, for an agent that is loaded without its environment."""

    observation: Space
    action: Space


EnvLike = str | EnvSpec | gymnasium.Env | VectorEnv | EnvBatch | EnvFactory | Spaces
"""What an agent can be made for."""


@contextmanager
def fitting(options: Mapping[str, Any]) -> Iterator[None]:
    """Say of weights that don't load that the changed `options` make other networks."""
    try:
        yield
    except (KeyError, RuntimeError, ValueError) as error:
        if not options:
            raise
        raise SandlotError(f"the weights don't fit the networks that {', '.join(options)} make") from error
