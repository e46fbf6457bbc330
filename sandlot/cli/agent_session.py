"""Train an agent, new or resumed, and print the final report."""

import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from sandlot.agents.base import Agent
from sandlot.agents.callbacks import EvaluationCallback, PlotCallback, ProgressBarCallback, VideoCallback
from sandlot.agents.evaluation import Evaluation
from sandlot.agents.films import film_path
from sandlot.agents.loop import train
from sandlot.agents.multi_agent import env_spec_of
from sandlot.agents.run_config import setting
from sandlot.tracking import Run
from sandlot.tracking.common.terminal import lasting_console

from .progress import ended_in_order
from .table import interval, print_table, speed_in, where_wandb_is


def train_and_report(agent: Agent, run: Run, begin: float) -> None:
    """Train `agent` by the run's config, record and evaluate it, and print the report.

    `begin` is when the program started, on `time.perf_counter`'s clock.
    """
    console = lasting_console()
    steps, training = setting(run, "steps"), setting(run, "training")
    evaluation = EvaluationCallback(env_spec_of(setting(run, "env")), every=0, episodes=training["evaluation_episodes"])
    plot, videos = PlotCallback(), VideoCallback(training["video_every"])
    with run, ended_in_order(run, console, lambda: agent.env_step):
        done = train(
            agent,
            steps,
            run=run,
            callback=[ProgressBarCallback(console), evaluation, plot, videos],
            checkpoint_every=training["checkpoint_every"],
        )
        assert evaluation.latest is not None
        speed = (done.env_step - done.first_step) / done.seconds
        figures = {"env_step": agent.env_step}
        if speed:  # a resumed run may have had all its steps
            figures |= {"training_seconds": done.seconds, "env_steps_per_second": speed}
        run.finish({"status": "finished", **figures, **agent.metrics(), "evaluation": evaluation.latest.to_json()})
    report(console, run, agent, evaluation.latest, speed, time.perf_counter() - begin, videos.problem, plot.path)


def report(
    console: Console,
    run: Run,
    agent: Agent,
    evaluation: Evaluation,
    speed: float,
    seconds: float,
    problem: str | None,
    picture: Path | None,
) -> None:
    """Print the table at the end of a training."""
    film = film_path(run, agent.env_step)
    rows: list[tuple[str, str | Path]] = [
        ("return", interval(evaluation)),
        *known_rows(agent.metrics()),
        ("env steps", f"{agent.env_step:,} at {speed_in(speed)} ({seconds:.1f} s in all)"),
        ("run", run.folder),
        ("video", film if film.exists() else f"none: {problem}" if problem else "none"),
        ("curve", run.curve if run.curve.exists() else "none: no episode has ended, or it was not drawn in time"),
        *([("picture", picture)] if picture else []),
        ("W&B", where_wandb_is(run)),
    ]
    print_table(console, rows)


def known_rows(figures: Mapping[str, float]) -> list[tuple[str, str]]:
    """Return a row for each group of an agent's metrics, which are named "group/name"."""
    groups: dict[str, list[str]] = {}
    for key, value in figures.items():
        group, _, name = key.partition("/")
        groups.setdefault(group, []).append(f"{name} {value:.3f}")
    return [(group, ", ".join(values)) for group, values in groups.items()]
