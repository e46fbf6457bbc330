"""Print short tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from sandlot.tracking import Run
from sandlot.tracking.common.intervals import share_interval
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


def return_rows(evaluation: "Evaluation", sampled: "Evaluation | None") -> list[tuple[str, str]]:
    """Return the success rate, if there is one, and the mean return: of the likeliest actions, and of sampled ones."""
    rows = []
    if evaluation.success_rate is not None:
        low, high = share_interval(evaluation.success_rate, len(evaluation.returns))
        percent = f"{100 * evaluation.success_rate:.1f} %"
        rows.append(("success", f"{percent}  (95 % interval {100 * low:.1f} to {100 * high:.1f} %)"))
    how = "" if sampled is None else ", with the likeliest actions"
    rows.append(("return", f"{interval(evaluation)}{how}"))
    if evaluation.cut:
        rows.append(("but", "the time for the evaluation was over, so longer episodes may be missing"))
    if sampled is not None:
        better = sampled.interval()[0] > evaluation.interval()[1]
        why = "; they do better, so evaluate and record with --stochastic" if better else ""
        success = "" if sampled.success_rate is None else f"{100 * sampled.success_rate:.1f} % success, return "
        rows.append(("sampled", f"{success}{interval(sampled)}, with actions drawn from the policy{why}"))
    return rows


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
