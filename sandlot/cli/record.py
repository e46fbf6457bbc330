"""`sandlot record`: film a trained agent."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console

from sandlot.agents.films import Clip, FilmedEpisode, FilmOptions, film_episodes
from sandlot.agents.loading import load_agent
from sandlot.envs import SECONDS_WITHOUT_LIMIT
from sandlot.tracking import VIDEOS, SandlotError, checkpoint_name, require, write_gif

from .options import Record
from .table import number, print_table, wandb_rows
from .target import ResolvedTarget, find

MOST_CELLS, MOST_SECONDS = 64, 86_400
PROGRESS_GRIDS = {2: "2x1", 3: "3x1", 4: "2x2"}
"""Default grid for a number of checkpoints; at most four are shown."""


class Plan(NamedTuple):
    """Describe a video: its source, and its name in W&B and in the folder."""

    clips: list[Clip]
    grid: str
    key: str
    stem: str


def main(options: Record) -> None:
    """Run the command."""
    check(options)
    found = find(options)
    plan = (plan_progress if options.progress else plan_episodes)(options, found)
    columns, rows = parse_grid(plan.grid)
    film_options = FilmOptions(
        columns=columns,
        rows=rows,
        overlay=options.overlay,
        deterministic=not options.stochastic,
        seconds=options.seconds,
    )
    path = options.output or default_path(options, found, plan)
    media, console = {plan.key: path}, Console()
    with console.status(f"Filming {found.name} …"):
        filmed = film_episodes(plan.clips, found.env_spec, path, film_options)
        if options.gif:
            media[f"{plan.key}_gif"] = path.with_suffix(".gif")
            write_gif(path.with_suffix(".gif"), path)
    if found.run is not None and options.output is None:
        found.run.add_media(media, plan.clips[-1].agent.env_step)
    seconds = options.seconds or SECONDS_WITHOUT_LIMIT
    shown = ", ".join(f"{_return_of(one, seconds)}{_label(clip)}" for one, clip in zip(filmed, plan.clips, strict=True))
    problem = next((one.problem for one in filmed if one.problem), None)
    rows = [("return", shown), *((kind.replace("_", " "), file) for kind, file in media.items())]
    uploaded = wandb_rows(found.run) if found.run is not None and options.output is None else []
    print_table(console, [*rows, *([("but", problem)] if problem else []), *uploaded])


def _return_of(episode: FilmedEpisode, seconds: float) -> str:
    """Return what an episode returned, and whether it was cut."""
    if episode.over:
        return number(episode.total)
    return f"cut after {seconds:g} s; so far {number(episode.total)} in {episode.steps:,} steps"


def _label(clip: Clip) -> str:
    return f" after {clip.label}" if clip.label else ""


def check(options: Record) -> None:
    """Raise `SandlotError` if the options make no sense, before anything is loaded."""
    if options.episodes is not None:
        require(options.episodes >= 1, "--episodes must be at least 1", options.episodes)
    if options.seconds is not None:
        rule = "--seconds must be positive, and a day at most"
        require(0 < options.seconds <= MOST_SECONDS, rule, options.seconds)
    require(0 <= options.seed < 2**31, "--seed must be at least 0 and fit into 31 bits", options.seed)
    if options.grid is not None:
        parse_grid(options.grid)
    if options.output is not None and options.output.suffix != ".mp4":
        hint = "; --gif makes a GIF beside the film" if options.output.suffix == ".gif" else ""
        raise SandlotError(f"--output must end in .mp4, not {options.output.name!r}{hint}")
    if options.progress and options.run.endswith(".zip"):
        raise SandlotError("--progress films the checkpoints of a run; a .zip file holds one model")
    if options.progress and options.step is not None:
        raise SandlotError("--progress films several checkpoints; leave --step out")


def parse_grid(text: str) -> tuple[int, int]:
    """Parse COLUMNSxROWS."""
    found = re.fullmatch(r"([1-9]\d*)[x×]([1-9]\d*)", text.strip().lower())
    if found is None:
        raise SandlotError(f"--grid must be columns x rows, such as 3x2, not {text!r}")
    columns, rows = map(int, found.groups())
    require(columns * rows <= MOST_CELLS, f"--grid must have at most {MOST_CELLS} places", text)
    return columns, rows


def plan_episodes(options: Record, found: ResolvedTarget) -> Plan:
    """Record episodes of one agent."""
    grid = options.grid or "1x1"
    columns, rows = parse_grid(grid)
    clips = [Clip(found.agent, options.seed + index) for index in range(options.episodes or columns * rows)]
    return Plan(clips, grid, "video", checkpoint_name(found.agent.env_step))


def plan_progress(options: Record, found: ResolvedTarget) -> Plan:
    """Record the same episodes with several checkpoints: the first, the last, and some between."""
    assert found.run is not None
    steps = found.run.checkpoint_steps()
    if len(steps) < 2:
        raise SandlotError(f"{found.name} has one checkpoint; --progress wants two or more")
    grid = options.grid or PROGRESS_GRIDS[min(len(steps), max(PROGRESS_GRIDS))]
    columns, rows = parse_grid(grid)
    places = columns * rows
    if not 2 <= places <= len(steps):
        raise SandlotError(f"--grid {grid} shows {places} checkpoints; of {found.name}, it can show 2 to {len(steps)}")
    chosen = [steps[round(index)] for index in np.linspace(0, len(steps) - 1, places)]
    agents = [load_agent(found.run, step) for step in chosen]
    clips = [
        Clip(agent, options.seed + index, f"{agent.env_step:,} env steps")
        for index in range(options.episodes or 1)
        for agent in agents
    ]
    return Plan(clips, grid, "progress", "progress")


def default_path(options: Record, found: ResolvedTarget, plan: Plan) -> Path:
    """Return the default path of the video."""
    if found.run is None:
        return Path(found.name).with_suffix(".mp4")
    parts = (plan.stem, f"seed{options.seed}", options.grid, "overlay" if options.overlay else None)
    return found.run.folder / VIDEOS / f"{'-'.join(filter(None, parts))}.mp4"
