"""What each part of Rainbow adds to DQN, one at a time, on one small environment.

    python -m benchmarks.dqn_parts | tee benchmarks/results/dqn_parts.txt

Two figures a seed: the mean return over the whole training (how fast it learns) and the greedy return at its end.
"""

import argparse
import time
from typing import Any

import numpy as np

from benchmarks.statistics import iqm, iqm_interval, machine
from sandlot.agents import DQN, DQNConfig
from sandlot.agents.callbacks import Callback
from sandlot.agents.evaluation import evaluate
from sandlot.agents.training import Training

BASE: dict[str, Any] = {
    "hidden": (128, 128), "learning_rate": 5e-4, "batch_size": 64, "buffer_size": 50_000, "train_freq": 4,
    "gradient_steps": 2, "target_update_interval": 500, "exploration_fraction": 0.2,
    "value_low": -100.0, "value_high": 0.0, "compile": "off",
}  # fmt: skip
PARTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "double": {"double": True},
    "dueling": {"dueling": True},
    "3-step": {"n_step": 3},
    "prioritized": {"prioritized": True},
    "noisy": {"noisy": True},
    "c51": {"distribution": "c51"},
    "quantile": {"distribution": "quantile"},
    "rainbow": {"rainbow": True},
}


def trained(env: str, steps: int, seed: int, part: dict[str, Any]) -> tuple[float, float]:
    """Return the mean return over the training, and the greedy return at its end."""
    latest: list[float] = []

    class Returns(Callback):
        def on_log(self, training: Training, row: dict[str, float]) -> None:
            if training.latest_return is not None:
                latest.append(training.latest_return)

    agent = DQN(env, seed=seed, config=DQNConfig(**BASE | part))  # a config of its own: no recipe is mixed in
    agent.learn(steps, callback=Returns())
    return float(np.mean(latest)), evaluate(agent, env).mean


def main() -> None:
    """Train with each part over seeds and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--env", default="Acrobot-v1")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print(machine("torch", "gymnasium", "numpy"))
    print(f"{options.env}, {options.steps:,} env steps, {options.seeds} seeds: IQM and its 95 % interval over seeds")
    print(f"{'':12} {'return while learning':>32}   {'greedy return at the end':>32}   seconds a seed")
    for name, part in PARTS.items():
        begin = time.perf_counter()
        pairs = [trained(options.env, options.steps, seed, part) for seed in range(options.seeds)]
        seconds = (time.perf_counter() - begin) / options.seeds
        figures = []
        for values in zip(*pairs, strict=True):
            low, high = iqm_interval(values)
            figures.append(f"{iqm(values):8.1f} ({low:8.1f} to {high:8.1f})")
        print(f"{name:12} {figures[0]:>32}   {figures[1]:>32}   {seconds:.0f}", flush=True)


if __name__ == "__main__":
    main()
