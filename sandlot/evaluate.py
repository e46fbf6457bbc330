"""`sandlot evaluate`: play episodes with a trained agent, or measure a task on its test."""

from rich.console import Console

from tracking import Run

from .catalogue import load_task, task_of
from .options import Evaluate
from .table import print_table


def main(options: Evaluate) -> None:
    """Do what `options` say."""
    run = None if options.run.endswith(".zip") else Run.find(options.runs_dir, options.run)
    if run is not None and task_of(run):
        measure_task(run, options)
        return
    from .evaluate_agent import play_agent

    play_agent(options)


def measure_task(run: Run, options: Evaluate) -> None:
    """Report how well the task of a run does on the rows of the test."""
    task = load_task(run, options.step)
    rows = [(f"test {name.replace('/', ' of ')}", f"{value:.4f}") for name, value in task.evaluate("test").items()]
    named = [("run", run.folder.name), ("task", f"{task.name} after {task.step:,} steps"), ("data", run.config["data"])]
    print_table(Console(), [*named, *rows])
