"""Compare DQN with two of its improvements, double and n-step targets, over several seeds."""

import matplotlib.pyplot as plt
import numpy as np
import tyro

from sandlot import DQN, evaluate
from sandlot.agents.callbacks import EvaluationCallback

VARIANTS = {"DQN": {}, "double": {"double": True}, "double, 3-step": {"double": True, "n_step": 3}}


def main(steps: int = 8_000, seeds: int = 2) -> None:
    for name, options in VARIANTS.items():
        curves, returns = [], []
        for seed in range(seeds):
            agent = DQN("CartPole-v1", seed=seed, **{"double": False, "n_step": 1, **options})
            evaluation = EvaluationCallback(every=max(1, steps // 8), episodes=10)
            agent.learn(steps, callback=evaluation)
            curves.append([(step, found.mean) for step, found in evaluation.history])
            returns.append(evaluate(agent, "CartPole-v1", episodes=20).mean)
        rows = min(map(len, curves))
        plt.plot(*np.mean([curve[:rows] for curve in curves], axis=0).T, label=name)
        print(f"{name:15} {np.mean(returns):6.1f}  (seeds: {', '.join(f'{value:.0f}' for value in returns)})")
    plt.xlabel("env steps")
    plt.ylabel("return")
    plt.legend()
    plt.savefig("dqn-variants.png")
    print("curves          dqn-variants.png")


if __name__ == "__main__":
    tyro.cli(main)
