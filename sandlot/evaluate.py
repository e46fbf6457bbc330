"""`sandlot evaluate`: play episodes with a trained agent, or measure a task on its test."""

from rich.console import Console

from tracking import Run, require

from .catalogue import load_task, task_of
from .options import Evaluate
from .table import interval, print_table


def main(options: Evaluate) -> None:
    """Do what `options` say."""
    run = None if options.run.endswith(".zip") else Run.find(options.runs_dir, options.run)
    if run is not None and task_of(run):
        measure_task(run, options)
    else:
        play_agent(options)


def measure_task(run: Run, options: Evaluate) -> None:
    """Report how well the task of a run does on the rows of the test."""
    task = load_task(run, options.step)
    rows = [(f"test {name.replace('/', ' of ')}", f"{value:.4f}") for name, value in task.evaluate("test").items()]
    named = [("run", run.folder.name), ("task", f"{task.name} after {task.step:,} steps"), ("data", run.config["data"])]
    print_table(Console(), [*named, *rows])


def play_agent(options: Evaluate) -> None:
    """Play episodes and report the return."""
    from agents.evaluation import evaluate_id

    from .subject import find

    require(options.episodes >= 1, "--episodes must be at least 1", options.episodes)
    found = find(options)
    evaluation = evaluate_id(
        found.agent,
        found.world,
        episodes=options.episodes,
        seed=options.seed,
        deterministic=not options.stochastic,
    )
    returns = evaluation.returns
    rows = [
        ("run" if found.run else "file", found.name),
        ("agent", f"{found.agent.name} after {found.agent.env_step:,} env steps"),
        ("env", found.world.id),
        ("return", interval(evaluation)),
        ("range", f"{returns.min():.1f} to {returns.max():.1f}, standard deviation {returns.std():.1f}"),
        ("length", f"{evaluation.lengths.mean():.1f} env steps"),
    ]
    print_table(Console(), rows)
