"""`sandlot evaluate`: play episodes with a trained agent, or measure a task on its test."""

from rich.console import Console

from tracking import Run

from .catalogue import load_task, task_of
from .options import Evaluate
from .table import number, print_table, span


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
    measures = task.evaluate("test")
    told = {name: number(value) for name, value in measures.items()}
    if (spread := task.interval(measures)) is not None and task.goal is not None:
        told[task.goal.measure] += f"  (95 % interval {span(spread)}, {len(task.part('test')):,} rows)"
    rows = [(f"test {name.replace('/', ' of ')}", value) for name, value in told.items()]
    named = [("run", run.folder.name), ("task", f"{task.name} after {task.step:,} steps"), ("data", run.config["data"])]
    print_table(Console(), [*named, *rows])
