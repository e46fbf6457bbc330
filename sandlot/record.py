"""`sandlot record`: film a trained agent."""

from pathlib import Path

from rich.console import Console

from agents.films import film
from tracking import VIDEOS, SandlotError, require, step_name

from .options import Record
from .subject import Found, find
from .table import print_table


def main(options: Record) -> None:
    """Do what `options` say."""
    require(options.episodes >= 1, "--episodes must be at least 1", options.episodes)
    found = find(options)
    path = options.output or default_path(found, options.seed)
    if path.suffix != ".mp4":
        raise SandlotError(f"--output must end in .mp4, not {path.name!r}")
    console = Console()
    with console.status(f"Filming {found.name} …"):
        returns = film(
            found.agent,
            found.world,
            path,
            episodes=options.episodes,
            seed=options.seed,
            deterministic=not options.stochastic,
        )
    if found.run is not None and options.output is None:
        found.run.add_media("video", path, found.agent.env_step)
    print_table(console, [("return", ", ".join(f"{value:.1f}" for value in returns)), ("video", path)])


def default_path(found: Found, seed: int) -> Path:
    """Return where the film goes if nobody says."""
    if found.run is None:
        return Path(found.name).with_suffix(".mp4")
    return found.run.folder / VIDEOS / f"{step_name(found.agent.env_step)}-seed{seed}.mp4"
