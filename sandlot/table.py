"""Short tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tracking import Run

if TYPE_CHECKING:
    from agents.evaluation import Evaluation


def print_table(console: Console, rows: Sequence[tuple[str, str | Path]]) -> None:
    """Print named values. Paths are never cut."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, Text(str(value)))
    console.print(table)


def interval(evaluation: "Evaluation") -> str:
    """Return the mean return with its 95 % interval."""
    low, high = evaluation.interval()
    digits = 1 if max(abs(low), abs(high)) >= 10 else 3
    span = f"{low:.{digits}f} to {high:.{digits}f}"
    return f"{evaluation.mean:.{digits}f}  (95 % interval {span}, {len(evaluation.returns)} episodes)"


def where_wandb_is(run: Run) -> str:
    """Return where the W&B run can be seen, or how to get it there."""
    state = run.wandb
    if "folder" in state and state["mode"] == "offline":
        reason = f" ({state['error']})" if "error" in state else ""
        return f"offline{reason}; upload with: wandb sync {run.folder / state['folder']}"
    if "error" in state:
        return f"failed ({state['error']}); the record in the folder is whole"
    return state.get("url") or state["mode"]
