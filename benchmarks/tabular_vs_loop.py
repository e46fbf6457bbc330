"""Sandlot's Q-learning beside the textbook's plain Python loop over Gymnasium's environment, env steps a second.

    python -m benchmarks.tabular_vs_loop | tee benchmarks/results/tabular_vs_loop.txt

The loop keeps its table in lists, which is faster than an array read cell by cell. Both take turns in one
process; the ratio is taken pair by pair, so that a machine whose speed drifts does not favour one.
"""

import argparse
import random
import time

import gymnasium
import numpy as np

from benchmarks.statistics import machine
from sandlot.agents import QLearning
from sandlot.agents.registry import agent_class

ENVS = ("FrozenLake-v1", "Taxi-v4", "CliffWalking-v1")
ALPHA, GAMMA, EPSILON = 0.1, 0.99, 0.1


def plain_loop(env_id: str, steps: int, seed: int) -> float:
    """Return the seconds of Q-learning as Sutton & Barto's box in section 6.5 has it."""
    env, draw = gymnasium.make(env_id), random.Random(seed)
    states, actions = env.observation_space.n, env.action_space.n  # pyright: ignore[reportAttributeAccessIssue]
    q = [[0.0] * actions for _ in range(states)]
    state, _ = env.reset(seed=seed)
    begin = time.perf_counter()
    for _ in range(steps):
        row = q[state]
        if draw.random() < EPSILON:
            action = draw.randrange(actions)
        else:
            best = max(row)
            action = draw.choice([a for a in range(actions) if row[a] == best])
        next_state, reward, terminated, truncated, _ = env.step(action)
        target = float(reward) + (0.0 if terminated else GAMMA * max(q[next_state]))
        row[action] += ALPHA * (target - row[action])
        state = env.reset()[0] if terminated or truncated else next_state
    return time.perf_counter() - begin


def sandlot(agent_name: str, env_id: str, num_envs: int, steps: int, seed: int) -> float:
    """Return the seconds of the agent's training, without its record."""
    options = {"num_envs": num_envs, "learning_rate": ALPHA, "gamma": GAMMA, "epsilon": EPSILON}
    kind = agent_class(agent_name)
    agent = kind(env_id, seed=seed, config=kind.Config(**options))
    begin = time.perf_counter()
    agent.learn(steps)
    return time.perf_counter() - begin


def compare(env_id: str, num_envs: int, steps: int, pairs: int) -> None:
    """Run both in turn and print the medians of their speeds and of the ratio."""
    ours, theirs = [], []
    for seed in range(pairs):
        ours.append(steps / sandlot(QLearning.name, env_id, num_envs, steps, seed))
        theirs.append((steps // 5) / plain_loop(env_id, steps // 5, seed))
    ratios = np.array(ours) / np.array(theirs)
    speeds = f"{np.median(ours):>10,.0f} beside {np.median(theirs):>7,.0f} env steps/s"
    spread = f"ratio {np.median(ratios):.1f} ({ratios.min():.1f} to {ratios.max():.1f}, {pairs} pairs)"
    print(f"  {env_id:16} {num_envs:>4} envs  {speeds}   {spread}", flush=True)


def main() -> None:
    """Compare in each environment, with one and with more environments at once."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=300_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--num-envs", type=int, nargs="+", default=[1, 16, 64, 256])
    options = parser.parse_args()
    print(machine("gymnasium", "numpy"))
    print(
        f"Q-learning, α {ALPHA}, γ {GAMMA}, ε {EPSILON}: Sandlot with so many environments, and a plain loop over one"
    )
    for env_id in ENVS:
        for num_envs in options.num_envs:
            compare(env_id, num_envs, options.steps if num_envs > 1 else options.steps // 5, options.pairs)


if __name__ == "__main__":
    main()
