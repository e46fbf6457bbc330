"""`sandlot evaluate`: the return of a trained agent, or a task's metrics on its test split."""

from rich.console import Console

from sandlot.tracking import Run

from .options import Evaluate
from .registry import is_generative, load_task, task_of
from .table import format_metrics, print_table

FIDELITY_ROWS = 10_000


def main(options: Evaluate) -> None:
    """Run the command."""
    run = None if options.run.endswith(".zip") else Run.find(options.runs_dir, options.run)
    if run is not None and task_of(run):
        measure_task(run, options)
        return
    from .evaluate_agent import play_agent

    play_agent(options)


def measure_task(run: Run, options: Evaluate) -> None:
    """Report the metrics of a run's task on its test split."""
    task = load_task(run, options.step)
    measures = task.evaluate("test")
    if is_generative(task.name) and getattr(task, "makes_images", False):
        from .fidelity import fidelity_lines, newest_extractor

        extractor = newest_extractor(options.runs_dir, run)
        fidelity = fidelity_lines(run, task, extractor, FIDELITY_ROWS) if extractor else []
    else:
        fidelity = []
    if hasattr(task, "importance_weighted_bounds"):
        measures |= task.importance_weighted_bounds(task.subset("test"))
    shown = format_metrics(measures, task.monitor.metric if task.monitor else "", task.interval(measures))
    rows = [
        ("run", run.folder.name),
        ("task", f"{task.name} after {task.step:,} steps"),
        ("data", f"{run.config['data']}, {len(task.subset('test')):,} rows in the test split"),
        *((f"test {name.replace('/', ' of ')}", value) for name, value in shown.items()),
        *fidelity,
    ]
    print_table(Console(), rows)
