"""`sandlot evaluate` of an agent: returns of episodes, or results of games."""

from rich.console import Console

from sandlot.agents.evaluation import evaluate, evaluate_sampled
from sandlot.agents.multi_agent import AgentOpponent, is_cooperative, match
from sandlot.agents.multi_agent.matches import play_games
from sandlot.envs.games import Games, games_of, is_game, opponent_name, opponents_in, takes_turns
from sandlot.tracking import require
from sandlot.tracking.common.intervals import mean_interval

from .options import Evaluate
from .progress import EvaluationBar
from .table import number, print_table, return_rows, span, within
from .target import ResolvedTarget, find


def play_agent(options: Evaluate) -> None:
    """Play episodes and report the return."""
    require(options.episodes >= 1, "--episodes must be at least 1", options.episodes)
    require(0 <= options.seed < 2**31, "--seed must be at least 0 and fit into 31 bits", options.seed)
    found = find(options)
    if is_game(found.env_spec.id) and takes_turns(found.env_spec):
        report_match(options, found)
        return
    require(options.evaluation_seconds > 0, "--evaluation-seconds must be positive", options.evaluation_seconds)
    console = Console()
    bar = EvaluationBar(console, options.episodes)
    how = {"seed": options.seed, "episodes": options.episodes, "seconds": options.evaluation_seconds}
    greedy = not options.stochastic
    try:
        evaluation = evaluate(found.agent, found.env_spec, deterministic=greedy, progress=bar.update, **how)
    finally:
        bar.stop()
    sampled = evaluate_sampled(found.agent, found.env_spec, **how) if greedy else None
    returns = evaluation.returns
    rows = [
        ("run" if found.run else "file", found.name),
        ("agent", f"{found.agent.name} after {found.agent.env_step:,} env steps"),
        ("env", found.env_spec.id),
        *return_rows(evaluation, sampled),
        ("range", f"{within((returns.min(), returns.max()))}, standard deviation {number(returns.std())}"),
        ("length", f"{evaluation.lengths.mean():.1f} env steps"),
    ]
    print_table(console, rows)


def report_match(options: Evaluate, found: ResolvedTarget) -> None:
    """Play a turn-based game against the opponent, equally often in each seat, and print the results."""
    games = games_of(found.env_spec, options.episodes, exact=True)
    if options.opponent is None and is_cooperative(found.env_spec):
        report_team(options, found, games)
        return
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


def report_team(options: Evaluate, found: ResolvedTarget, games: Games) -> None:
    """Play a game in which all win or lose together with the agent in all seats, and print the score."""
    agent = AgentOpponent(found.agent, deterministic=not options.stochastic)
    scores = play_games(games, [agent] * games.num_players, options.seed)[:, 0]
    rows = [
        ("run" if found.run else "file", found.name),
        ("agent", f"{found.agent.name} after {found.agent.env_step:,} env steps"),
        ("game", f"{found.env_spec.id}, which all players win or lose together"),
        (
            "score",
            f"{number(scores.mean())}  ({span(mean_interval(scores))}, {len(scores)} games), playing with itself",
        ),
    ]
    print_table(Console(), rows)
