"""`sandlot resume`: go on with a run that was stopped or killed."""

import time

from agents.loading import load_agent
from tracking import Run, SandlotError

from .options import Resume
from .session import train_and_report


def main(options: Resume) -> None:
    """Do what `options` say."""
    begin = time.perf_counter()
    run = Run.find(options.runs_dir, options.run)
    steps = run.config["steps"] if options.steps is None else options.steps
    agent = load_agent(run, options.step, learning=True)
    if agent.env_step >= steps:
        raise SandlotError(f"{run.folder} has its {steps:,} env steps; go on for longer with --steps")
    run.reopen(agent.env_step, steps)
    train_and_report(agent, run, begin)
