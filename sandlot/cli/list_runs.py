"""`sandlot list`: the runs that there are."""

import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sandlot.tracking import RETURN, Run, SandlotError, read_metrics
from sandlot.tracking.common.numbers import number
from sandlot.tracking.layout import CONFIG

from .options import ListRuns

NEWEST = 20


def main(options: ListRuns) -> None:
    """Run the command."""
    console = Console()
    configs = sorted(options.runs_dir.glob(f"*/{CONFIG}"), key=lambda path: path.stat().st_mtime, reverse=True)
    if not configs:
        console.print(f"There are no runs in {options.runs_dir} yet; start one with `sandlot train`.")
        return
    shown = configs if options.all else configs[:NEWEST]
    rows = [described(path.parent) for path in shown]
    if console.width < 100:  # the name tells agent, environment and seed
        rows = [{key: row[key] for key in ("run", "steps", "result", "status")} for row in rows]
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in rows[0]:
        table.add_column(heading, justify="right" if heading in ("steps", "result") else "left", overflow="fold")
    for row in rows:
        table.add_row(*row.values())
    console.print(table)
    if len(shown) < len(configs):
        console.print(f"{len(configs) - len(shown)} more with --all")


def described(folder: Path) -> dict[str, str]:
    """Return what a row of the table says of the run in `folder`."""
    try:
        run = Run(folder)
        config, summary = run.config, run.summary
        result, steps = result_of(run), summary.get(run.axis)
    except (SandlotError, OSError, ValueError, KeyError, TypeError) as error:
        return {"run": folder.name, "when": "", "agent": "", "on": "", "steps": "", "result": "", "status": str(error)}
    env = config.get("env") or {}
    return {
        "run": folder.name,
        "when": time.strftime("%Y-%m-%d %H:%M", time.localtime((folder / CONFIG).stat().st_mtime)),
        "agent": str(config.get("agent") or config.get("task") or "–"),
        "on": str(config.get("data") or env.get("id") or "–"),
        "steps": "–" if steps is None else f"{steps:,}",
        "result": result,
        "status": summary.get("status", "not finished"),
    }


def result_of(run: Run) -> str:
    """Return the return of an agent's evaluation or latest episodes, or the monitored metric of a task."""
    evaluation: dict[str, Any] = run.summary.get("evaluation") or {}
    if evaluation:
        return f"return {number(evaluation['return'])}"
    if "task" in run.config:
        best, metric = run.summary.get("best"), run.config.get("monitor", "").rpartition("/")[2]
        return f"{metric} {number(best['value'])}" if best and metric else "–"
    returns = [row[RETURN] for row in read_metrics(run.folder) if RETURN in row]
    return f"return {number(returns[-1])} in training" if returns else "–"
