"""`sandlot resume`: continue a run that was stopped or killed."""

import time

from sandlot.agents.run_config import setting
from sandlot.tracking import Run, SandlotError

from .options import Resume
from .registry import load_task, task_of


def main(options: Resume) -> None:
    """Run the command."""
    begin = time.perf_counter()
    with Run.find(options.runs_dir, options.run) as run:
        run.acquire()
        resume(run, options, begin)


def resume(run: Run, options: Resume, begin: float) -> None:
    """Continue `run`; one that has all its steps, but was stopped before its end, is only evaluated and filmed."""
    steps = setting(run, "steps") if options.steps is None else options.steps
    if task_of(run):
        task = load_task(run, options.step, learning=True)
        reopen(run, task.step, steps)
        from .task_session import fit_and_report

        fit_and_report(task, run, begin)
        return
    from sandlot.agents.loading import load_agent

    from .agent_session import train_and_report

    for name in ("env", "training"):
        setting(run, name)
    agent = load_agent(run, options.step, learning=True)
    reopen(run, agent.env_step, steps)
    train_and_report(agent, run, begin)


def reopen(run: Run, step: int, steps: int) -> None:
    """Reopen the run's record at `step`, to train until `steps`."""
    ended = run.summary.get("status") == "finished"
    if step >= steps and (ended or steps != run.config["steps"]):
        raise SandlotError(
            f"{run.folder} has its {steps:,} {run.axis.replace('_', ' ')}s; go on for longer with --steps"
        )
    run.reopen(step, steps)
