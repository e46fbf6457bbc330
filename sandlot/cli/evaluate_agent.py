"""`sandlot evaluate` of an agent: returns of episodes, or results of games."""

from rich.console import Console

from sandlot.agents.evaluation import evaluate
from sandlot.agents.multi_agent import AgentOpponent, match
from sandlot.envs.games import games_of, is_game, opponent_name, opponents_in, takes_turns
from sandlot.tracking import require

from .options import Evaluate
from .table import interval, number, print_table, within
from .target import ResolvedTarget, find


def play_agent(options: Evaluate) -> None:
    """Play episodes and report the return."""
    require(options.episodes >= 1, "--episodes must be at least 1", options.episodes)
    require(0 <= options.seed < 2**31, "--seed must be at least 0 and fit into 31 bits", options.seed)
    found = find(options)
    if is_game(found.env_spec.id) and takes_turns(found.env_spec):
        report_match(options, found)
        return
    evaluation = evaluate(
        found.agent,
        found.env_spec,
        episodes=options.episodes,
        seed=options.seed,
        deterministic=not options.stochastic,
    )
    returns = evaluation.returns
    rows = [
        ("run" if found.run else "file", found.name),
        ("agent", f"{found.agent.name} after {found.agent.env_step:,} env steps"),
        ("env", found.env_spec.id),
        ("return", interval(evaluation)),
        ("range", f"{within((returns.min(), returns.max()))}, standard deviation {number(returns.std())}"),
        ("length", f"{evaluation.lengths.mean():.1f} env steps"),
    ]
    print_table(Console(), rows)


def report_match(options: Evaluate, found: ResolvedTarget) -> None:
    """Play a turn-based game against the opponent, equally often in each seat, and print the results."""
    games = games_of(found.env_spec, options.episodes, exact=True)
    agent = AgentOpponent(found.agent, deterministic=not options.stochastic)
    scores = match(games, agent, opponents_in(found.env_spec, games), options.seed)
    rows: list[tuple[str, str]] = [
        ("run" if found.run else "file", found.name),
        ("agent", f"{found.agent.name} after {found.agent.env_step:,} env steps"),
        ("game", found.env_spec.id),
        ("against", opponent_name(found.env_spec)),
    ]
    for seat, score in zip(("first", "second"), scores, strict=True):
        low, high = score.interval()
        won = f"won {score.wins} ({100 * low:.1f} to {100 * high:.1f} %), drew {score.draws}, lost {score.losses}"
        rows.append((f"moving {seat}", f"{won} of {score.games}"))
    print_table(Console(), rows)
