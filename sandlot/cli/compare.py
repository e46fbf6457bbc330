"""`sandlot compare`: returns, speed and configurations of several runs."""

import re
from typing import Any

from rich.console import Console
from rich.table import Table

from sandlot.tracking import RETURN, VALIDATION, Run, draw_curves, read_metrics, require, step_of

from .options import Compare
from .table import number, within

NOT_COMPARED = ("versions", "wandb", "format")
BEGAN_AT = re.compile(r"-\d{8}-\d{6}(-\d+)?$")


def main(options: Compare) -> None:
    """Run the command."""
    require(bool(options.run), "give the runs to compare", "none")
    runs = [Run.find(options.runs_dir, name) for name in options.run]
    names = short_names([run.folder.name for run in runs])
    metrics = {name: read_metrics(run.folder) for name, run in zip(names, runs, strict=True)}
    console = Console()
    table = Table(box=None, padding=(0, 2, 0, 0))
    judged = {judged_by(run) for run in runs}
    result = judged.pop() if len(judged) == 1 else ""
    for heading in ("run", "steps", result or "result", "95 % interval", "best", "steps/s", "status"):
        table.add_column(heading, justify="left" if heading in ("run", "status") else "right", overflow="fold")
    for name, run in zip(names, runs, strict=True):
        table.add_row(name, *figures(run, metrics[name], said=bool(result)))
    console.print(table)
    print_differences(console, dict(zip(names, runs, strict=True)))
    monitors = {name: run.config["monitor"] for name, run in zip(names, runs, strict=True) if "monitor" in run.config}
    if draw_curves(options.output, metrics, monitors):
        console.print(f"curves: {options.output}")


def judged_by(run: Run) -> str:
    """Return the metric that a run is compared by."""
    return run.config.get("monitor", "").removeprefix(VALIDATION) if "task" in run.config else "return"


def figures(run: Run, rows: list[dict[str, Any]], said: bool) -> list[str]:
    """Return a run's row of the table, with the metric's name unless the header has it (`said`)."""
    steps = run.summary.get(run.axis, step_of(rows[-1]) if rows else 0)
    speed = run.summary.get(f"{run.axis}s_per_second")
    shown, *spread = task_result(run) if "task" in run.config else agent_result(run, rows)
    named = shown if said or shown == "–" else f"{judged_by(run)} {shown}"
    speed_shown = f"{speed:,.0f}" if speed else "–"
    return [f"{steps:,}", named, *spread, speed_shown, run.summary.get("status", "not finished")]


def agent_result(run: Run, rows: list[dict[str, Any]]) -> list[str]:
    """Return an agent's return, its interval and the best in training."""
    returns = [row[RETURN] for row in rows if RETURN in row]
    evaluation = run.summary.get("evaluation")
    best = number(max(returns)) if returns else "–"
    if not evaluation:
        return [f"{number(returns[-1])} (training)" if returns else "–", "–", best]
    return [number(evaluation["return"]), within((evaluation["return_low"], evaluation["return_high"])), best]


def task_result(run: Run) -> list[str]:
    """Return a task's metric on the test split, and its best value on the validation split."""
    best, monitor = run.summary.get("best"), judged_by(run)
    test, spread = run.summary.get("test", {}), run.summary.get("test_interval")
    shown = number(test[monitor]) if monitor in test else "–"
    return [shown, within(spread) if spread else "–", number(best["value"]) if best else "–"]


def short_names(names: list[str]) -> list[str]:
    """Return the names of runs, without their start times where they stay unique."""
    short = [BEGAN_AT.sub("", name) for name in names]
    return [brief if short.count(brief) == 1 else name for name, brief in zip(names, short, strict=True)]


def print_differences(console: Console, runs: dict[str, Run]) -> None:
    """Print the options in which the runs' configurations differ, and those that only some of them have."""
    flat = [
        dict(flatten({key: value for key, value in run.config.items() if key not in NOT_COMPARED}))
        for run in runs.values()
    ]
    options = dict.fromkeys(name for config in flat for name in config)
    known = {name: [config[name] for config in flat if name in config] for name in options}
    differing = [name for name in options if len(set(map(repr, known[name]))) > 1]
    shared: dict[str, list[str]] = {}
    for option in options:
        if option not in differing and len(known[option]) < len(flat):
            holders = ", ".join(name for name, config in zip(runs, flat, strict=True) if option in config)
            shared.setdefault(holders, []).append(f"{option.removeprefix('config.')} {known[option][0]}")
    if not differing and not shared:
        console.print("\nTheir configurations are the same.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0), title="differences", title_justify="left", title_style="bold")
    table.add_column("option")
    for name in runs:
        table.add_column(name, overflow="fold")
    for option in differing:
        table.add_row(option, *(str(config.get(option, "–")) for config in flat))
    console.print()
    console.print(table)
    for holders, names in shared.items():
        console.print(f"\n[bold]only {holders}[/bold]: {', '.join(names)}", highlight=False)


def flatten(tree: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return the leaves of nested dicts with dotted names."""
    leaves: list[tuple[str, Any]] = []
    for key, value in tree.items():
        leaves += flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]
    return leaves
