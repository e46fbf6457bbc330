"""Train recipes over seeds, play 100 episodes each, and print the returns.

python -m benchmarks.returns --seeds 10 ppo CartPole-v1 Acrobot-v1 Pendulum-v1
"""

import argparse
import time

import numpy as np

from agents.evaluation import evaluate_id
from agents.loading import agent_class
from agents.recipes import recipe
from benchmarks.statistics import iqm, iqm_interval, machine

AIMS = {
    ("a2c", "CartPole-v1"): 475,
    ("reinforce", "CartPole-v1"): 475,
    ("ppo", "CartPole-v1"): 475,
    ("ppo", "Acrobot-v1"): -90,
    ("ppo", "Pendulum-v1"): -200,
    ("ppo", "LunarLander-v3"): 242,
    ("sac", "Pendulum-v1"): -160,
    ("td3", "Pendulum-v1"): -160,
    ("ddpg", "Pendulum-v1"): -160,
}
ZOO = {
    ("a2c", "CartPole-v1"): "500.0 in 500,000",
    ("a2c", "Acrobot-v1"): "-83.4 in 500,000",
    ("ppo", "CartPole-v1"): "500.0 in 100,000",
    ("ppo", "Acrobot-v1"): "-73.5 in 1,000,000",
    ("ppo", "Pendulum-v1"): "-172.2 in 100,000",
    ("ppo", "LunarLander-v3"): "242.1 in 1,000,000",
}
"""Returns that rl-zoo publishes (benchmark.md), and env steps of its recipes."""


def measure(name: str, env: str, seeds: int) -> None:
    """Print a line for the recipe of the agent `name` in `env`."""
    steps = recipe(name, env)["steps"]
    returns, seconds = [], []
    for seed in range(seeds):
        agent = agent_class(name)(env, seed=seed)
        begin = time.perf_counter()
        agent.learn(steps)
        seconds.append(time.perf_counter() - begin)
        returns.append(evaluate_id(agent, env).mean)
    low, high = iqm_interval(returns)
    aim = AIMS.get((name, env))
    reached = "" if aim is None else f"aim {aim}: {sum(value >= aim for value in returns)} of {seeds} seeds; "
    interval = f"95 % {low:.1f} to {high:.1f}; {seeds} seeds, lowest {min(returns):.1f}"
    took = f"{steps:,} env steps in {np.median(seconds):.1f} s"
    published = ZOO.get((name, env), "has none")
    print(f"{name} {env}: IQM {iqm(returns):.1f} ({interval}); {reached}{took}; rl-zoo {published}", flush=True)


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("agent")
    parser.add_argument("envs", nargs="+")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print(machine("torch", "gymnasium", "numpy"))
    print("Greedy return over 100 episodes in environments of their own, after training on the recipe's env steps.")
    for env in options.envs:
        measure(options.agent, env, options.seeds)


if __name__ == "__main__":
    main()
