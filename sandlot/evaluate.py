"""`sandlot evaluate`: play episodes with a trained agent."""

from rich.console import Console

from agents.evaluation import evaluate_id
from tracking import require

from .options import Evaluate
from .subject import find
from .table import interval, print_table


def main(options: Evaluate) -> None:
    """Do what `options` say."""
    require(options.episodes >= 1, "--episodes must be at least 1", options.episodes)
    found = find(options)
    evaluation = evaluate_id(
        found.agent,
        found.world,
        episodes=options.episodes,
        seed=options.seed,
        deterministic=not options.stochastic,
    )
    returns = evaluation.returns
    rows = [
        ("run" if found.run else "file", found.name),
        ("agent", f"{found.agent.name} after {found.agent.env_step:,} env steps"),
        ("env", found.world.id),
        ("return", interval(evaluation)),
        ("range", f"{returns.min():.1f} to {returns.max():.1f}, standard deviation {returns.std():.1f}"),
        ("length", f"{evaluation.lengths.mean():.1f} env steps"),
    ]
    print_table(Console(), rows)
