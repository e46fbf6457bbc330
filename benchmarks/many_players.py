"""Games of several players: tic-tac-toe, Connect Four and simple_spread.

    python -m benchmarks.many_players tictactoe | tee benchmarks/results/many_players_tictactoe.txt
    python -m benchmarks.many_players connect-four --save FOLDER
    python -m benchmarks.many_players spread

Each trains by the recipe (tic-tac-toe and Connect Four in self-play) and prints as it goes. simple_spread is
learned by Stable-Baselines3's PPO too, through the wrappers that PettingZoo's tutorial uses (SuperSuit's), with
equal env steps.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.statistics import machine
from sandlot.agents.multi_agent import AgentOpponent, Score, agent_for, match
from sandlot.agents.recipes import recipe
from sandlot.agents.registry import agent_class
from sandlot.envs import MASK, EnvSpec
from sandlot.envs.games import SCRIPTED_OPPONENTS, Games, TicTacToe, games_of, make_opponent

TICTACTOE, CONNECT_FOUR, SPREAD = "pettingzoo/tictactoe_v3", "pettingzoo/connect_four_v3", "mpe2/simple_spread_v3"


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["tictactoe", "connect-four", "spread"])
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="env steps, if not the recipe's")
    parser.add_argument("--games", type=int, default=500, help="in each seat")
    parser.add_argument("--save", type=Path, help="folder to save the agents in")
    parser.add_argument("--agent", default="ppo")
    options = parser.parse_args()
    print(machine("torch", "pettingzoo", "numpy"), flush=True)
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        if options.what == "spread":
            spread(seed, options.steps)
        else:
            board_game(TICTACTOE if options.what == "tictactoe" else CONNECT_FOUR, seed, options)


def board_game(env: str, seed: int, options: argparse.Namespace) -> None:
    """Learn the game `env` in self-play, and print how it goes against rules."""
    steps = options.steps or recipe(options.agent, env)["steps"]
    agent = agent_for(agent_class(options.agent), env, seed=seed)
    begin, used = time.perf_counter(), time.process_time()
    parts = 10
    for part in range(1, parts + 1):
        # The end of the schedule stays where it is: only the segments are cut.
        train_until(agent, steps, steps * part // parts)
        took, cpu = time.perf_counter() - begin, time.process_time() - used
        known = ", ".join(f"{name} {value:.0f}" for name, value in agent.metrics().items())
        print(f"seed {seed}: {agent.env_step:>12,} env steps, {took:7.1f} s ({cpu:.1f} s of CPU); {known}", flush=True)
    if options.save:
        agent.save(options.save / f"{env.partition('/')[2]}-{seed}")
    env_spec = EnvSpec(env)
    for name in ("random", "scripted"):
        games = games_of(env_spec, options.games, exact=True)
        other = make_opponent(name, env, games.action_space, 1_000 + seed)
        scores = match(games, AgentOpponent(agent, deterministic=True), other, seed)
        for seat, score in zip(("first", "second"), scores, strict=True):
            print(f"seed {seed}: {in_words(score)} against {name}, moving {seat}", flush=True)
    if env == TICTACTOE:
        for name, player in (("the perfect player", SCRIPTED_OPPONENTS[env](0)), ("any player", None)):
            for seat in (0, 1):
                lost, played = losses_to_all(agent, player, seat)
                print(f"seed {seed}: loses {lost} of {played} games against all replies of {name}, seat {seat + 1}")


def train_until(agent: Any, steps: int, end: int) -> None:
    """Train up to env step `end` of a training of `steps`."""
    from sandlot.agents.training import Training

    training = Training(agent, steps)
    agent.prepare(steps)
    with agent.thread_context():
        while agent.env_step < end:
            agent.train_segment(training, end)


def in_words(score: Score) -> str:
    """Return a score as shares, with the 95 % interval of the wins."""
    (low, high), n = score.interval(), score.games
    wins = f"wins {100 * score.wins / n:5.1f} % ({100 * low:.1f} to {100 * high:.1f})"
    return f"{wins}, draws {100 * score.draws / n:4.1f} %, loses {100 * score.losses / n:4.1f} % of {n} games"


def losses_to_all(agent: Any, player: Any, seat: int) -> tuple[int, int]:
    """Return how many games the agent in `seat` loses, and how many there are, if all replies are tried.

    The replies are those that `player` finds good, or, without a player, all that are legal.
    """
    lines: list[list[int]] = [[]]
    lost = played = 0
    while lines:
        games = replayed(lines)
        over = games.out[:, 0]
        played += int(over.sum())
        lost += int((games.score[over, seat] < 0).sum())
        lines = [line for line, ended in zip(lines, over, strict=True) if not ended]
        if not lines:
            break
        games = replayed(lines)
        rows = np.arange(len(lines))
        seen = games.observe(rows, games.turn)
        if games.turn[0] == seat:
            moves = agent.select_action(seen, None, np.ones(len(lines), bool), True)[0]
            lines = [[*line, int(move)] for line, move in zip(lines, moves, strict=True)]
        else:
            good = seen[MASK] != 0 if player is None else player.good(seen)
            lines = [[*line, int(move)] for line, row in zip(lines, good, strict=True) for move in np.flatnonzero(row)]
    return lost, played


def replayed(lines: list[list[int]]) -> Games:
    """Return games in which the moves of `lines`, all equally many, were made."""
    games = TicTacToe(len(lines))
    rows = np.arange(len(lines))
    for moves in np.array(lines, int).T:
        games.play(rows, moves)
    return games


def spread(seed: int, steps: int | None) -> None:
    """Learn simple_spread, ours and Stable-Baselines3's, and print speed and return."""
    from sandlot.agents.evaluation import evaluate

    total = int(steps or recipe("ppo", SPREAD)["steps"])
    agent = agent_for(agent_class("ppo"), SPREAD, seed=seed)
    begin = time.perf_counter()
    agent.learn(total)
    took = time.perf_counter() - begin
    found = evaluate(agent, SPREAD, episodes=200)
    report("sandlot", seed, agent.env_step, took, found.returns)
    begin = time.perf_counter()
    model = sb3_model(seed)
    model.learn(total)
    took = time.perf_counter() - begin
    report("sb3", seed, model.num_timesteps, took, sb3_returns(model, 200))


def report(who: str, seed: int, env_steps: int, seconds: float, returns: np.ndarray) -> None:
    """Print a line of results; the returns are those of each player."""
    spread_of = np.random.default_rng(0).choice(returns, (2_000, len(returns))).mean(1)
    low, high = np.quantile(spread_of, [0.025, 0.975])
    print(
        f"seed {seed}  {who:8} {env_steps:>9,} env steps at {env_steps / seconds:>7,.0f} a second ({seconds:.0f} s); "
        f"return {returns.mean():.2f} (95 % {low:.2f} to {high:.2f})",
        flush=True,
    )


def sb3_model(seed: int) -> Any:
    """Return Stable-Baselines3's PPO as the tutorial for parallel environments makes it."""
    import supersuit
    from mpe2 import simple_spread_v3
    from stable_baselines3 import PPO
    from stable_baselines3.common.utils import set_random_seed
    from stable_baselines3.common.vec_env import VecMonitor

    env = supersuit.pettingzoo_env_to_vec_env_v1(simple_spread_v3.parallel_env())
    env: Any = supersuit.concat_vec_envs_v1(env, 8, num_cpus=1, base_class="stable_baselines3")
    set_random_seed(seed)  # SuperSuit's environments can't be seeded by the algorithm, as `seed=` would
    env.venv.reset(seed=seed)
    return PPO("MlpPolicy", VecMonitor(env), device="cpu", batch_size=256)


def sb3_returns(model: Any, episodes: int) -> np.ndarray:
    """Return the players' returns in `episodes` episodes of PettingZoo's own environment."""
    from mpe2 import simple_spread_v3

    env, returns = simple_spread_v3.parallel_env(), []
    for episode in range(episodes):
        seen, _ = env.reset(seed=10_000 + episode)
        total = dict.fromkeys(env.agents, 0.0)
        while env.agents:
            names = list(env.agents)
            actions, _ = model.predict(np.stack([seen[name] for name in names]), deterministic=True)
            seen, earned, *_ = env.step(dict(zip(names, actions.tolist(), strict=True)))
            for name, reward in earned.items():
                total[name] += reward
        returns += total.values()
    return np.array(returns)


if __name__ == "__main__":
    main()
