"""Agents by name: ours, Stable-Baselines3's, and the user's own."""

import dataclasses
from importlib import import_module

from sandlot.agents import AGENTS
from sandlot.tracking import Checkpoint, SandlotError, hint
from sandlot.tracking.common import extensions

from .base import Agent
from .sb3 import ALGORITHMS, sb3_agent


def is_agent(name: str) -> bool:
    """Return whether `name` is one of ours or Stable-Baselines3's agents."""
    return name in AGENTS or name in ALGORITHMS


def agent_class(name: str) -> type[Agent]:
    """Return the class of the agent that the command line calls `name`: by name, `module:Name` or entry point."""
    if name in ALGORITHMS:
        return sb3_agent(name)
    if name in AGENTS:
        module, _, cls = AGENTS[name][0].partition(":")
        return getattr(import_module(f"sandlot.agents.{module}"), cls)
    reference = extensions.resolve(name, extensions.AGENTS)
    if reference is None:
        raise SandlotError(f"there is no agent {name!r}; {hint(name, [*AGENTS, *ALGORITHMS])}")
    return checked(extensions.load_class(reference, Agent), reference)


def checked(cls: type[Agent], reference: str) -> type[Agent]:
    """Return a user's agent class, or raise `SandlotError` about what it lacks."""
    missing = sorted(getattr(cls, "__abstractmethods__", ()))
    if missing:
        raise SandlotError(f"the agent {reference} must define {', '.join(missing)}")
    config = getattr(cls, "Config", None)
    if not dataclasses.is_dataclass(config) or "num_envs" not in {field.name for field in dataclasses.fields(config)}:
        raise SandlotError(f"the agent {reference} needs a Config: a frozen dataclass with a field num_envs")
    return cls


def what_is(name: str) -> str:
    """Return a few words about the agent that the command line calls `name`."""
    if name in ALGORITHMS:
        return "{}'s {}".format(*ALGORITHMS[name])
    return AGENTS[name][1] if name in AGENTS else (agent_class(name).__doc__ or name).strip().splitlines()[0]


def acting_agent(checkpoint: Checkpoint) -> Agent:
    """Return the agent in a checkpoint, without environments, for acting only."""
    return class_in(checkpoint).restore(checkpoint, learning=False)


def class_in(checkpoint: Checkpoint) -> type[Agent]:
    """Return the class of the agent in a checkpoint."""
    name = checkpoint.state.get("agent")
    if not isinstance(name, str):
        raise SandlotError("the checkpoint holds no agent")
    return agent_class(name)
