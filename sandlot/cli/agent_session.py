"""A training from its first step to the table at its end, whether it is new or resumed."""

import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from sandlot.agents.base import Agent
from sandlot.agents.evaluation import Evaluation, evaluate_id
from sandlot.agents.films import FilmWorker, film_path
from sandlot.agents.loop import train
from sandlot.agents.multi_agent import env_spec_of
from sandlot.tracking import IMAGES, Run, checkpoint_name

from .progress import ProgressBar, ended_in_order
from .table import interval, print_table, speed_in, where_wandb_is


def train_and_report(agent: Agent, run: Run, begin: float) -> None:
    """Train `agent` as the run's config says, film and evaluate it, and print where everything is.

    `begin` is when the program started, on `time.perf_counter`'s clock.
    """
    console = Console()
    steps, training, env_spec = run.config["steps"], run.config["training"], env_spec_of(run.config["env"])
    with (
        run,
        Filming(run, training["video_every"], steps) as filming,
        ended_in_order(run, console, lambda: agent.env_step, before=filming.finish),
    ):
        first_step, trained = agent.env_step, time.perf_counter()
        with ProgressBar(console, f"{agent.name} {env_spec.id}", steps, "return") as bar:
            train(
                agent,
                steps,
                run=run,
                checkpoint_every=training["checkpoint_every"],
                progress=bar.update,
                on_checkpoint=filming.on_checkpoint,
            )
        trained = time.perf_counter() - trained
        evaluation = evaluate_id(agent, env_spec, episodes=training["evaluation_episodes"])
        picture = draw_picture(agent, run)
        filming.finish()
        speed = (agent.env_step - first_step) / trained
        figures = {"env_step": agent.env_step, "training_seconds": trained, "env_steps_per_second": speed}
        run.finish({"status": "finished", **figures, **agent.metrics(), "evaluation": evaluation.to_json()})
    report(console, run, agent, evaluation, speed, time.perf_counter() - begin, filming.problem, picture)


def draw_picture(agent: Agent, run: Run) -> Path | None:
    """Draw what `agent` has learned, log it and return where it lies, if it can be drawn."""
    path = run.folder / IMAGES / f"{checkpoint_name(agent.env_step)}.png"
    if not agent.draw(path):
        return None
    run.log_media("learned", path, agent.env_step)
    return path


class Filming:
    """Choose the checkpoints to film: the first, the last, and some between; none if `every` is 0."""

    def __init__(self, run: Run, every: int, steps: int):
        self.films = FilmWorker(run) if every else None
        self.every, self.steps = every, steps
        self.due = 0
        self.problem: str | None = None
        """What went wrong, if something did."""

    def on_checkpoint(self, env_step: int) -> None:
        """Ask for a film of a new checkpoint if it is time for one, and log those that are ready."""
        if self.films is None:
            return
        self.films.collect()
        if env_step >= min(self.due, self.steps):
            self.films.request(env_step)
            self.due = (env_step // self.every + 1) * self.every

    def finish(self) -> None:
        """Wait for the films and log them."""
        if self.films is not None:
            self.problem = self.films.finish()
            self.films = None

    def __enter__(self) -> "Filming":
        return self

    def __exit__(self, *exception: object) -> None:
        if self.films is not None:
            self.films.stop()


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
    """Return a row for each group of an agent's figures, which are called "group/name"."""
    groups: dict[str, list[str]] = {}
    for key, value in figures.items():
        group, _, name = key.partition("/")
        groups.setdefault(group, []).append(f"{name} {value:.3f}")
    return [(group, ", ".join(values)) for group, values in groups.items()]
