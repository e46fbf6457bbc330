"""`sandlot evaluate`: play episodes with a trained agent."""

from rich.console import Console

from agents.evaluation import evaluate_id
from agents.loading import load_agent
from tracking import Run, require

from .options import Evaluate
from .table import interval, print_table


def main(options: Evaluate) -> None:
    """Do what `options` say."""
    require(options.episodes >= 1, "--episodes must be at least 1", options.episodes)
    run = Run.find(options.runs_dir, options.run)
    agent = load_agent(run, options.step)
    env = run.config["env"]
    evaluation = evaluate_id(
        agent,
        env["id"],
        env["kwargs"],
        episodes=options.episodes,
        seed=options.seed,
        deterministic=not options.stochastic,
    )
    returns = evaluation.returns
    rows = [
        ("run", run.folder.name),
        ("agent", f"{agent.name} after {agent.env_step:,} env steps"),
        ("env", env["id"]),
        ("return", interval(evaluation)),
        ("range", f"{returns.min():.1f} to {returns.max():.1f}, standard deviation {returns.std():.1f}"),
        ("length", f"{evaluation.lengths.mean():.1f} env steps"),
    ]
    print_table(Console(), rows)
