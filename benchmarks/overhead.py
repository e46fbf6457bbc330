"""What the record costs: the same training bare, and tracked, filmed and with a progress bar.

python -m benchmarks.overhead | tee benchmarks/results/overhead.txt
"""

import argparse
import dataclasses
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console

from agents import PPO
from agents.loop import train
from benchmarks.statistics import machine
from sandlot.session import Filming, ProgressBar
from tracking import Run

ENV = "CartPole-v1"


def bare(steps: int, seed: int) -> float:
    """Return the seconds that training alone takes."""
    agent = PPO(ENV, seed=seed)
    begin = time.perf_counter()
    train(agent, steps)
    return time.perf_counter() - begin


def recorded(steps: int, seed: int, root: Path) -> float:
    """Return the seconds that training takes as `sandlot train` does it: W&B offline, films, checkpoints, progress."""
    agent = PPO(ENV, seed=seed)
    config = {
        "agent": "ppo",
        "env": {"id": ENV, "kwargs": {}},
        "seed": seed,
        "steps": steps,
        "config": dataclasses.asdict(agent.config),
    }
    begin = time.perf_counter()
    with Run.create(root, f"overhead-s{seed}", config, wandb="offline") as run, Filming(run, 50_000, steps) as filming:
        with ProgressBar(Console(stderr=True), "overhead", steps) as bar:
            train(agent, steps, run=run, progress=bar.update, on_checkpoint=filming.on_checkpoint)
        seconds = time.perf_counter() - begin
        filming.finish()
        run.finish({"status": "finished"})
    return seconds


def main() -> None:
    """Measure in pairs and print the ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--pairs", type=int, default=7)
    options = parser.parse_args()
    print(machine("torch", "gymnasium", "wandb", "moviepy"))
    print(f"PPO on {ENV}, {options.steps:,} env steps; films of the start, the middle and the end; W&B offline.")
    bare(options.steps // 10, 0)
    ratios = []
    with tempfile.TemporaryDirectory() as root:
        for seed in range(options.pairs):
            alone, whole = bare(options.steps, seed), recorded(options.steps, seed, Path(root))
            ratios.append(whole / alone)
            print(
                f"  seed {seed}  bare {alone:.2f} s   recorded {whole:.2f} s   cost {100 * (whole / alone - 1):+.1f} %",
                flush=True,
            )
    print(f"  median cost {100 * (float(np.median(ratios)) - 1):+.1f} % of the training's time")


if __name__ == "__main__":
    main()
