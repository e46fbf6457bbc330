"""Train recipes over seeds, play 100 episodes each, and print the returns.

python -m benchmarks.returns --seeds 10 ppo CartPole-v1 Acrobot-v1 Pendulum-v1

Where an environment's transitions are known, the returns of agents with a table are computed, not sampled.
"""

import argparse
import time

import numpy as np

from benchmarks.statistics import iqm, iqm_interval, machine
from sandlot.agents.evaluation import evaluate
from sandlot.agents.recipes import recipe
from sandlot.agents.registry import agent_class

AIMS = {
    ("a2c", "CartPole-v1"): 475,
    ("reinforce", "CartPole-v1"): 475,
    ("ppo", "CartPole-v1"): 475,
    ("ppo", "Acrobot-v1"): -80,
    ("ppo", "Pendulum-v1"): -180,
    ("ppo", "LunarLander-v3"): 242,
    ("ppo", "BipedalWalker-v3"): 285,
    ("dqn", "CartPole-v1"): 475,
    ("dqn", "Acrobot-v1"): -80,
    ("dqn", "MountainCar-v0"): -110,
    ("dqn", "LunarLander-v3"): 200,
    ("sac", "Pendulum-v1"): -160,
    ("td3", "Pendulum-v1"): -160,
    ("q-learning", "FrozenLake-v1"): 0.98 * 0.7442,
    ("q-learning", "FrozenLake8x8-v1"): 0.98 * 0.9132,
    ("q-learning", "Taxi-v4"): 7.7,
    ("q-learning", "CliffWalking-v1"): -13,
    ("double-q-learning", "Taxi-v4"): 7.7,
    ("sarsa", "FrozenLake-v1"): 0.98 * 0.7442,
    ("sarsa", "FrozenLake8x8-v1"): 0.98 * 0.9132,
    ("sarsa", "CliffWalking-v1"): -17,
}
ZOO = {
    ("a2c", "CartPole-v1"): "500.0 in 500,000",
    ("a2c", "Acrobot-v1"): "-83.4 in 500,000",
    ("ppo", "CartPole-v1"): "500.0 in 100,000",
    ("ppo", "Acrobot-v1"): "-73.5 in 1,000,000",
    ("ppo", "Pendulum-v1"): "-172.2 in 100,000",
    ("ppo", "LunarLander-v3"): "242.1 in 1,000,000 (v2)",
    ("ppo", "BipedalWalker-v3"): "213.3 in 5,000,000",
    ("dqn", "CartPole-v1"): "500.0 in 50,000",
    ("dqn", "Acrobot-v1"): "-76.6 in 100,000",
    ("dqn", "MountainCar-v0"): "-100.8 in 120,000",
    ("dqn", "LunarLander-v3"): "154.4 in 100,000 (v2)",
    ("sac", "Pendulum-v1"): "-157.0 in 20,000",
    ("td3", "Pendulum-v1"): "-151.9 in 20,000",
    ("ddpg", "Pendulum-v1"): "-152.1 in 20,000",
}
"""Returns that rl-zoo publishes (benchmark.md), and env steps of its recipes."""


def measure(name: str, env: str, seeds: range) -> None:
    """Print a line for the recipe of the agent `name` in `env`."""
    steps = recipe(name, env)["steps"]
    returns, seconds = [], []
    optimum = None
    for seed in seeds:
        agent = agent_class(name)(env, seed=seed)
        begin = time.perf_counter()
        agent.learn(steps)
        seconds.append(time.perf_counter() - begin)
        figures = agent.metrics()
        optimum = figures.get("exact/optimum")
        returns.append(evaluate(agent, env).mean if optimum is None else figures["exact/return"])
    low, high = iqm_interval(returns)
    digits = 3 if max(map(abs, returns)) < 10 else 1
    aim = AIMS.get((name, env))
    reached = "" if aim is None else f"aim {aim:.4g}: {sum(value >= aim for value in returns)} of {len(seeds)} seeds; "
    span = (
        f"95 % {low:.{digits}f} to {high:.{digits}f}; seeds {seeds[0]} to {seeds[-1]}, lowest {min(returns):.{digits}f}"
    )
    took = f"{steps:,} env steps in {np.median(seconds):.1f} s"
    beside = f"rl-zoo {ZOO.get((name, env), 'has none')}" if optimum is None else f"optimum {optimum:.{digits}f}"
    print(f"{name} {env}: IQM {iqm(returns):.{digits}f} ({span}); {reached}{took}; {beside}", flush=True)


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("agent")
    parser.add_argument("envs", nargs="+")
    parser.add_argument("--seeds", type=int, default=5, help="how many")
    parser.add_argument("--first-seed", type=int, default=0, help="score others than those that chose a recipe")
    options = parser.parse_args()
    print(machine("torch", "gymnasium", "numpy"))
    print("Greedy return over 100 episodes in environments of their own, after training on the recipe's env steps;")
    print("where an optimum stands, the exact expectation of the greedy policy's return within the time limit.")
    for env in options.envs:
        measure(options.agent, env, range(options.first_seed, options.first_seed + options.seeds))


if __name__ == "__main__":
    main()
