"""`sandlot record`: film a trained agent."""

from rich.console import Console

from agents.films import film
from agents.loading import load_agent
from tracking import VIDEOS, Run, SandlotError, require, step_name

from .options import Record
from .table import print_table


def main(options: Record) -> None:
    """Do what `options` say."""
    require(options.episodes >= 1, "--episodes must be at least 1", options.episodes)
    run = Run.find(options.runs_dir, options.run)
    agent = load_agent(run, options.step)
    env = run.config["env"]
    path = options.output or run.folder / VIDEOS / f"{step_name(agent.env_step)}-seed{options.seed}.mp4"
    if path.suffix != ".mp4":
        raise SandlotError(f"--output must end in .mp4, not {path.name!r}")
    console = Console()
    with console.status(f"Filming {run.folder.name} …"):
        returns = film(
            agent,
            env["id"],
            env["kwargs"],
            path,
            episodes=options.episodes,
            seed=options.seed,
            deterministic=not options.stochastic,
        )
    if options.output is None:
        run.add_media("video", path, agent.env_step)
    print_table(console, [("return", ", ".join(f"{value:.1f}" for value in returns)), ("video", path)])
