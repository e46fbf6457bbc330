"""Sandlot's PPO beside Stable-Baselines3's: at equal hyperparameters, and to a solved CartPole.

    python -m benchmarks.ppo_vs_peers | tee benchmarks/results/ppo_vs_peers.txt

Each training is a process of its own, the two in turn (A B A B …), and the ratio is taken pair by pair, so
that a machine whose speed drifts does not favour one. Imports are not in the env steps/s; they are in the
time to a solved CartPole, which is a whole process.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.statistics import machine

SOLVED = 475

# rl-zoo's hyperparameters (hyperparams/ppo.yml), in Sandlot's names. What rl-zoo leaves out is SB3's default.
EQUAL: dict[str, dict[str, Any]] = {
    "CartPole-v1": {
        "num_envs": 8, "num_steps": 32, "batch_size": 256, "gae_lambda": 0.8, "gamma": 0.98, "epochs": 20,
        "entropy_coef": 0.0, "learning_rate": 1e-3, "learning_rate_schedule": "linear", "clip_range": 0.2,
        "clip_range_schedule": "linear",
    },
    "LunarLander-v3": {
        "num_envs": 16, "num_steps": 1024, "batch_size": 64, "gae_lambda": 0.98, "gamma": 0.999, "epochs": 4,
        "entropy_coef": 0.01, "learning_rate": 3e-4, "clip_range": 0.2,
    },
}  # fmt: skip


def train_sandlot(env: str, steps: int, seed: int, options: dict[str, Any] | None) -> tuple[float, float, int]:
    """Return seconds of training, greedy return and env steps. No options: the recipe.

    A compilation that was asked for happens in a warm-up of one rollout, which is not counted.
    """
    from agents import PPO, PPOConfig
    from agents.evaluation import evaluate_id

    agent = PPO(env, seed=seed, config=None if options is None else PPOConfig(**options))
    if agent.config.compile == "on":
        agent.learn(agent.config.rows + agent.config.num_envs)
    first, begin = agent.env_step, time.perf_counter()
    agent.learn(steps)
    seconds = time.perf_counter() - begin
    return seconds, evaluate_id(agent, env).mean, agent.env_step - first


def train_sb3(env: str, steps: int, seed: int, options: dict[str, Any] | None) -> tuple[float, float, int]:
    """Return seconds of training, greedy return and env steps of Stable-Baselines3."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.evaluation import evaluate_policy

    given = EQUAL[env] if options is None else options

    def falling(name: str) -> Callable[[float], float] | float:
        linear = given.get(f"{name}_schedule") == "linear"
        return (lambda left: left * given[name]) if linear else given[name]

    model = PPO(
        "MlpPolicy",
        make_vec_env(env, given["num_envs"], seed=seed),
        n_steps=given["num_steps"],
        batch_size=given["batch_size"],
        gae_lambda=given["gae_lambda"],
        gamma=given["gamma"],
        n_epochs=given["epochs"],
        ent_coef=given["entropy_coef"],
        learning_rate=falling("learning_rate"),
        clip_range=falling("clip_range"),
        seed=seed,
        device="cpu",
    )
    begin = time.perf_counter()
    model.learn(steps)
    seconds = time.perf_counter() - begin
    mean, _ = evaluate_policy(model, make_vec_env(env, 10, seed=10_000), n_eval_episodes=100)
    return seconds, float(np.mean(mean)), model.num_timesteps


TRAINERS = {"sandlot": train_sandlot, "sb3": train_sb3}


def in_a_process(who: str, env: str, steps: int, seed: int, options: dict[str, Any] | None) -> dict[str, float]:
    """Train in a fresh process; return its figures and its wall time from start to exit."""
    job = json.dumps([who, env, steps, seed, options])
    begin = time.perf_counter()
    said = subprocess.run([sys.executable, "-m", __spec__.name, "--job", job], capture_output=True, text=True)
    whole = time.perf_counter() - begin
    if said.returncode:
        raise RuntimeError(said.stderr)
    seconds, reached, env_steps = json.loads(said.stdout.splitlines()[-1])
    return {"speed": env_steps / seconds, "return": reached, "whole": whole}


def compare(
    title: str, env: str, steps: tuple[int, int], ours: dict[str, Any] | None, pairs: int, figure: str = "speed"
) -> None:
    """Train both in turn `pairs` times and print the figures and their ratio."""
    print(f"\n{title}")
    ratios = []
    theirs = None if ours is None else {name: value for name, value in ours.items() if name != "compile"}
    for seed in range(pairs):
        sandlot = in_a_process("sandlot", env, steps[0], seed, ours)
        sb3 = in_a_process("sb3", env, steps[1], seed, theirs)
        ratios.append(sandlot["speed"] / sb3["speed"] if figure == "speed" else sb3["whole"] / sandlot["whole"])
        for who, run in (("sandlot", sandlot), ("sb3", sb3)):
            took = f"{run['speed']:>8,.0f} env steps/s" if figure == "speed" else f"{run['whole']:>8.1f} s"
            print(f"  seed {seed}  {who:8} {took}   return {run['return']:7.1f}", flush=True)
    low, middle, high = min(ratios), float(np.median(ratios)), max(ratios)
    print(f"  ratio: median {middle:.1f} (lowest {low:.1f}, highest {high:.1f}, {pairs} pairs)", flush=True)


def main() -> None:
    """Run the comparisons."""
    from agents.recipes import recipe

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--job", help=argparse.SUPPRESS)
    parser.add_argument("--pairs", type=int, default=3, help="pairs of trainings on CartPole")
    parser.add_argument("--lander-steps", type=int, default=1_000_000, help="env steps on LunarLander; 0 leaves it out")
    options = parser.parse_args()
    if options.job:
        who, env, steps, seed, hyperparameters = json.loads(options.job)
        print(json.dumps(TRAINERS[who](env, steps, seed, hyperparameters)))
        return
    print(machine("torch", "gymnasium", "stable-baselines3", "numpy"))
    print("Stable-Baselines3 as it is installed: its own choice of threads.")
    pairs, equal, both = options.pairs, EQUAL["CartPole-v1"], (100_000, 100_000)
    title = "CartPole-v1, rl-zoo's hyperparameters, 100,000 env steps"
    compare(f"{title}, not compiled (what --compile auto chooses)", "CartPole-v1", both, equal, pairs)
    compiled = {**equal, "compile": "on"}
    compare(f"{title}, compiled (--compile on), compilation not counted", "CartPole-v1", both, compiled, pairs)
    own = recipe("ppo", "CartPole-v1")["steps"]
    title = f"CartPole-v1, each one's own recipe ({own:,} and 100,000 env steps), from cold start to exit"
    compare(f"{title}, 100 episodes evaluated; solved is {SOLVED}", "CartPole-v1", (own, 100_000), None, pairs, "whole")
    if options.lander_steps:
        steps = options.lander_steps
        compiled = "compiled, which is counted" if steps >= 1_000_000 else "not compiled"
        title = f"LunarLander-v3, rl-zoo's hyperparameters, {steps:,} env steps ({compiled}: --compile auto)"
        compare(title, "LunarLander-v3", (steps, steps), EQUAL["LunarLander-v3"], 1)


if __name__ == "__main__":
    main()
