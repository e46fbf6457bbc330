"""Agents by name, and from the checkpoints of runs."""

from importlib import import_module

from sandlot.agents import AGENTS
from sandlot.tracking import Run, SandlotError, hint

from .base import Agent
from .sb3 import ALGORITHMS, sb3_agent


def agent_class(name: str) -> type[Agent]:
    """Return the class of the agent that the command line calls `name`."""
    if name in ALGORITHMS:
        return sb3_agent(name)
    if name not in AGENTS:
        raise SandlotError(f"there is no agent {name!r}; {hint(name, [*AGENTS, *ALGORITHMS])}")
    return getattr(import_module("sandlot.agents"), AGENTS[name][0])


def what_is(name: str) -> str:
    """Return a few words about the agent that the command line calls `name`."""
    return "{}'s {}".format(*ALGORITHMS[name]) if name in ALGORITHMS else AGENTS[name][1]


def load_agent(run: Run, env_step: int | None = None, *, learning: bool = False) -> Agent:
    """Return the agent of a run as it was at the checkpoint of `env_step`, or at the newest."""
    folder, checkpoint = run.checkpoint(env_step)
    kind = checkpoint.state.get("agent")
    if kind not in AGENTS and kind not in ALGORITHMS:
        raise SandlotError(f"{folder} holds an agent of the kind {kind!r}, which this version does not know")
    from .multi_agent import restored  # late, since opponents are loaded from runs in turn

    agent = restored(agent_class(kind), checkpoint, learning=learning)
    if learning:
        agent.load_experience(run.experience(agent.env_step))
    return agent
