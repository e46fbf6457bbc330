"""What the record costs: the same training bare, and tracked, filmed and with a progress bar.

python -m benchmarks.overhead | tee benchmarks/results/overhead.txt
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks.ppo_vs_peers import EQUAL
from benchmarks.statistics import machine
from sandlot.agents import PPO, PPOConfig, create_run
from sandlot.agents.callbacks import ProgressBarCallback, VideoCallback
from sandlot.agents.loop import train
from sandlot.cli.options import Train

ENV = "CartPole-v1"


def bare(agent: PPO, steps: int) -> float:
    """Return the seconds that training alone takes."""
    begin = time.perf_counter()
    train(agent, steps)
    return time.perf_counter() - begin


def recorded(agent: PPO, steps: int, root: Path, every: int) -> float:
    """Return the seconds that training takes as `sandlot train` does it: W&B offline, films, checkpoints, progress."""
    callbacks = [ProgressBarCallback(Console(stderr=True)), VideoCallback(every)]
    with create_run(agent, root, steps=steps, wandb="offline", video_every=every) as run:
        seconds = train(agent, steps, run=run, callback=callbacks).seconds
        run.finish({"status": "finished"})
    return seconds


def main() -> None:
    """Measure in pairs and print the ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--hyperparameters", choices=["recipe", "rl-zoo"], default="recipe")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--video-every", type=int, default=Train.video_every)
    options = parser.parse_args()
    given = PPOConfig(**EQUAL[ENV]) if options.hyperparameters == "rl-zoo" else None

    def make(seed: int) -> PPO:
        return PPO(ENV, seed=seed, config=given)

    print(machine("torch", "gymnasium", "wandb", "moviepy"))
    films = f"films: start, end, every {options.video_every:,} env steps"
    print(f"PPO on {ENV}, {options.hyperparameters}, {options.steps:,} env steps; W&B offline; {films}")
    bare(make(0), options.steps // 10)
    ratios = []
    with tempfile.TemporaryDirectory() as root:
        for seed in range(options.pairs):
            alone, whole = (
                bare(make(seed), options.steps),
                recorded(make(seed), options.steps, Path(root), options.video_every),
            )
            ratios.append(whole / alone)
            print(
                f"  seed {seed}  bare {alone:.2f} s   recorded {whole:.2f} s   cost {100 * (whole / alone - 1):+.1f} %",
                flush=True,
            )
    print(f"  median cost {100 * (float(np.median(ratios)) - 1):+.1f} % of the training's time")


if __name__ == "__main__":
    main()
