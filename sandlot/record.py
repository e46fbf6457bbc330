"""`sandlot record`: film a trained agent."""

import re
from pathlib import Path

import numpy as np
from rich.console import Console

from agents.films import Look, Take, film
from agents.loading import load_agent
from tracking import VIDEOS, Run, SandlotError, require, step_name, write_gif

from .options import Record
from .subject import Found, find
from .table import print_table

MOST_CELLS = 64
PROGRESS_GRIDS = {2: (2, 1), 3: (3, 1), 4: (2, 2)}
"""For so many checkpoints, the columns and rows in which they are shown if nobody says."""


def main(options: Record) -> None:
    """Do what `options` say."""
    check(options)
    found = find(options)
    columns, rows = size_of(options.grid) if options.grid else default_grid(options, found.run)
    look = Look(columns=columns, rows=rows, overlay=options.overlay)
    takes = progress_takes(options, found, look.cells) if options.progress else episode_takes(options, found, look.cells)
    path = options.output or default_path(options, found)
    console = Console()
    with console.status(f"Filming {found.name} …"):
        film(takes, found.world, path, look=look, deterministic=not options.stochastic, seconds=options.seconds)


def check(options: Record) -> None:
    """Raise `SandlotError` if the options make no sense, before anything is loaded."""
    if options.episodes is not None:
        require(options.episodes >= 1, "--episodes must be at least 1", options.episodes)
    if options.seconds is not None:
        require(options.seconds > 0, "--seconds must be positive", options.seconds)
    if options.grid is not None:
        size_of(options.grid)
    if options.output is not None and options.output.suffix != ".mp4":
        hint = "; --gif makes a GIF beside the film" if options.output.suffix == ".gif" else ""
        raise SandlotError(f"--output must end in .mp4, not {options.output.name!r}{hint}")
    if options.progress and options.run.endswith(".zip"):
        raise SandlotError("--progress compares the checkpoints of a run; a .zip file holds one model")
    if options.progress and options.step is not None:
        raise SandlotError("--progress films several checkpoints; leave out --step")
