"""Print short tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from sandlot.tracking import Run
from sandlot.tracking.common.numbers import number

if TYPE_CHECKING:
    from sandlot.agents.evaluation import Evaluation


def print_table(console: Console, rows: Sequence[tuple[str, str | Path]]) -> None:
    """Print named values, one per line, without breaking long ones, so that paths can be copied."""
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        console.print(Text.assemble((f"{name:{width}}", "bold"), "  ", str(value)), soft_wrap=True)


def within(interval: tuple[float, float]) -> str:
    """Return an interval."""
    return f"{number(interval[0])} to {number(interval[1])}"


def span(interval: tuple[float, float]) -> str:
    """Return an interval with its confidence level."""
    return f"95 % interval {within(interval)}"


def speed_in(steps_per_second: float) -> str:
    """Return a speed as text."""
    return f"{steps_per_second:,.{0 if steps_per_second >= 10 else 1}f} a second"


def interval(evaluation: "Evaluation") -> str:
    """Return the mean return with its 95 % interval."""
    return f"{number(evaluation.mean)}  ({span(evaluation.interval())}, {len(evaluation.returns)} episodes)"


def format_metrics(measures: Mapping[str, float], monitor: str, spread: tuple[float, float] | None) -> dict[str, str]:
    """Return metrics as text, the `monitor` with its interval."""
    texts = {name: number(value) for name, value in measures.items()}
    return texts if spread is None else {**texts, monitor: f"{texts[monitor]} ({span(spread)})"}


def where_wandb_is(run: Run) -> str:
    """Return the URL of the W&B run, or the command that uploads it."""
    return run.where_wandb_is


def wandb_rows(run: Run) -> list[tuple[str, str]]:
    """Return the row that says where the W&B run is, if there is one."""
    return [] if run.wandb["mode"] == "disabled" else [("W&B", run.where_wandb_is)]
