"""`sandlot compare`: set runs side by side."""

from typing import Any

from rich.console import Console
from rich.table import Table

from tracking import RETURN, VALIDATION, Run, draw_curves, read_metrics, step_of

from .options import Compare

NOT_COMPARED = ("versions", "wandb", "format")


def main(options: Compare) -> None:
    """Do what `options` say."""
    runs = [Run.find(options.runs_dir, name) for name in options.run]
    metrics = {run.folder.name: read_metrics(run.folder) for run in runs}
    console = Console()
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("run", "steps", "result", "95 % interval", "best", "steps/s", "status"):
        table.add_column(heading, justify="left" if heading in ("run", "status") else "right", overflow="fold")
    for run in runs:
        table.add_row(run.folder.name, *figures(run, metrics[run.folder.name]))
    console.print(table)
    print_differences(console, runs)
    goals = {run.folder.name: run.config["goal"] for run in runs if "goal" in run.config}
    if draw_curves(options.output, metrics, goals):
        console.print(f"curves: {options.output}")


def figures(run: Run, rows: list[dict[str, Any]]) -> list[str]:
    """Return a run's row of the table."""
    steps = run.summary.get(run.axis, step_of(rows[-1]) if rows else 0)
    speed = run.summary.get(f"{run.axis}s_per_second")
    result = fitted(run) if "task" in run.config else played(run, rows)
    return [f"{steps:,}", *result, f"{speed:,.0f}" if speed else "–", run.summary.get("status", "not finished")]


def played(run: Run, rows: list[dict[str, Any]]) -> list[str]:
    """Return an agent's return, its interval and the best in training."""
    returns = [row[RETURN] for row in rows if RETURN in row]
    evaluation = run.summary.get("evaluation")
    shown = f"{evaluation['return']:.1f}" if evaluation else f"{returns[-1]:.1f} (training)" if returns else "–"
    span = f"{evaluation['return_low']:.1f} to {evaluation['return_high']:.1f}" if evaluation else "–"
    return [shown, span, f"{max(returns):.1f}" if returns else "–"]


def fitted(run: Run) -> list[str]:
    """Return what a task is judged by, on the test, and the best of it in the validation."""
    best = run.summary.get("best")
    goal = run.config.get("goal", "").removeprefix(VALIDATION)
    test = run.summary.get("test", {})
    shown = f"{goal} {test[goal]:.4f}" if goal in test else "–"
    return [shown, "–", f"{best['value']:.4f}" if best else "–"]


def print_differences(console: Console, runs: list[Run]) -> None:
    """Print what differs in the runs' configurations."""
    flat = [dict(flatten({key: value for key, value in run.config.items() if key not in NOT_COMPARED})) for run in runs]
    names = dict.fromkeys(name for config in flat for name in config)
    differing = [name for name in names if len({repr(config.get(name)) for config in flat}) > 1]
    if not differing:
        console.print("\nTheir configurations are the same.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0), title="differences", title_justify="left", title_style="bold")
    table.add_column("option")
    for run in runs:
        table.add_column(run.folder.name, overflow="fold")
    for name in differing:
        table.add_row(name, *(str(config.get(name, "–")) for config in flat))
    console.print()
    console.print(table)


def flatten(tree: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return the leaves of nested dicts with dotted names."""
    leaves: list[tuple[str, Any]] = []
    for key, value in tree.items():
        leaves += flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]
    return leaves
