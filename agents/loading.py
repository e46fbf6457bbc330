"""Agents from the checkpoints of runs, whoever they are: one agent, a team, or one in self-play."""

from sandlot.tracking import Run
from sandlot.tracking.checkpoint import restoring

from .base import Agent
from .multi_agent import restored
from .registry import class_in


def load_agent(run: Run, env_step: int | None = None, *, learning: bool = False) -> Agent:
    """Return the agent of a run as it was at the checkpoint of `env_step`, or at the newest.

    Args:
        run: The run, such as `Run.find(Path("runs"), "latest")`.
        env_step: The checkpoint's env step.
        learning: Whether it goes on learning: with environments and its replay buffer.
    """
    folder, checkpoint = run.checkpoint(env_step)
    with restoring(folder):
        agent = restored(class_in(checkpoint), checkpoint, learning=learning)
        if learning:
            agent.load_experience(run.experience(agent.env_step))
        return agent
