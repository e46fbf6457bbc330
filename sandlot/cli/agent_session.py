"""Train an agent, new or resumed, and print the final report."""

import math
import shlex
import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from sandlot.agents.base import Agent
from sandlot.agents.callbacks import EvaluationCallback, PlotCallback, ProgressBarCallback, VideoCallback
from sandlot.agents.evaluation import Evaluation, evaluate_sampled
from sandlot.agents.films import film_path
from sandlot.agents.loop import train
from sandlot.agents.multi_agent import env_spec_of
from sandlot.agents.run_config import setting
from sandlot.tracking import Run
from sandlot.tracking.common.terminal import lasting_console

from .progress import EvaluationBar, ended_in_order
from .table import print_table, return_rows, speed_in, where_wandb_is


def train_and_report(agent: Agent, run: Run, begin: float) -> None:
    """Train `agent` by the run's config, record and evaluate it, and print the report.

    `begin` is when the program started, on `time.perf_counter`'s clock.
    """
    console = lasting_console()
    steps, training = setting(run, "steps"), setting(run, "training")
    env_spec, episodes = env_spec_of(setting(run, "env")), training["evaluation_episodes"]
    seconds = training.get("evaluation_seconds") or math.inf
    if env_spec.backend == "envpool":
        console.print(f"EnvPool runs {env_spec.id}: seeds give other episodes than Gymnasium's (--backend gymnasium)")
    bar = EvaluationBar(console, episodes)
    evaluation = EvaluationCallback(env_spec, every=0, episodes=episodes, seconds=seconds, progress=bar.update)
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
        bar.stop()
        sampled = evaluate_sampled(agent, env_spec, episodes=episodes, seconds=seconds)
        speed = (done.env_step - done.first_step) / done.seconds
        figures = {"env_step": agent.env_step}
        if speed:  # a resumed run may have had all its steps
            figures |= {"training_seconds": done.seconds, "env_steps_per_second": speed}
        also = {} if sampled is None else {"evaluation_sampled": sampled.to_json()}
        run.finish(
            {"status": "finished", **figures, **agent.metrics(), "evaluation": evaluation.latest.to_json(), **also}
        )
    report(
        console, run, agent, evaluation.latest, sampled, speed, time.perf_counter() - begin, videos.problem, plot.path
    )


def report(
    console: Console,
    run: Run,
    agent: Agent,
    evaluation: Evaluation,
    sampled: Evaluation | None,
    speed: float,
    seconds: float,
    problem: str | None,
    picture: Path | None,
) -> None:
    """Print the table at the end of a training."""
    film = film_path(run, agent.env_step)
    rows: list[tuple[str, str | Path]] = [
        *return_rows(evaluation, sampled),
        *known_rows(agent.metrics()),
        ("env steps", f"{agent.env_step:,} at {speed_in(speed)} ({seconds:.1f} s in all)"),
        ("run", run.folder),
        ("video", _film_row(film, problem)),
        ("curve", run.curve if run.curve.exists() else "none: no episode has ended, or it was not drawn in time"),
        *([("picture", picture)] if picture else []),
        ("W&B", where_wandb_is(run)),
        ("next", f"sandlot play {shlex.quote(str(run.folder))}"),
    ]
    print_table(console, rows)


def _film_row(film: Path, problem: str | None) -> str:
    if not film.exists():
        return f"none: {problem}" if problem else "none"
    return f"{film} (but {problem})" if problem else str(film)


def known_rows(figures: Mapping[str, float]) -> list[tuple[str, str]]:
    """Return a row for each group of an agent's metrics, which are named "group/name"."""
    groups: dict[str, list[str]] = {}
    for key, value in figures.items():
        group, _, name = key.partition("/")
        groups.setdefault(group, []).append(f"{name} {value:.3f}")
    return [(group, ", ".join(values)) for group, values in groups.items()]
