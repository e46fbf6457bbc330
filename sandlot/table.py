"""Short tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from tracking import Run

if TYPE_CHECKING:
    from agents.evaluation import Evaluation


def print_table(console: Console, rows: Sequence[tuple[str, str | Path]]) -> None:
    """Print named values, a line each. Long ones are left to the terminal to break, so that paths can be copied."""
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        console.print(Text.assemble((f"{name:{width}}", "bold"), "  ", str(value)), soft_wrap=True)


def number(value: float) -> str:
    """Return a measure with the digits that matter."""
    size = abs(value)
    if size >= 1_000:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.2f}"
    return f"{value:.4f}" if size >= 1e-3 or not size else f"{value:.2e}"


def span(interval: tuple[float, float]) -> str:
    """Return an interval."""
    return f"{number(interval[0])} to {number(interval[1])}"


def speed_in(steps_per_second: float) -> str:
    """Return how fast something went."""
    return f"{steps_per_second:,.{0 if steps_per_second >= 10 else 1}f} a second"


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
