"""Env steps a second of each backend, through our layer and bare, at 8, 64 and 1,024 copies.

    python -m benchmarks.envs | tee benchmarks/results/envs.txt

Actions are drawn beforehand. Bare is the same vector environment without the layer: stepped, and its ended
episodes started again where it does not do so itself. The two step in turn; the cost is the median of the rounds.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from benchmarks.statistics import machine
from sandlot.envs import EnvBatch, EnvSpec
from sandlot.tracking import SandlotError

WORLDS = [
    ("CartPole-v1", "gymnasium"),
    ("CartPole-v1", "envpool"),
    ("FrozenLake-v1", "gymnasium"),
    ("Acrobot-v1", "gymnasium"),
    ("Acrobot-v1", "envpool"),
    ("MountainCar-v0", "gymnasium"),
    ("MountainCar-v0", "envpool"),
    ("MountainCarContinuous-v0", "gymnasium"),
    ("MountainCarContinuous-v0", "envpool"),
    ("LunarLander-v3", "gymnasium"),
    ("LunarLander-v3", "envpool"),
    ("HalfCheetah-v5", "gymnasium"),
    ("HalfCheetah-v5", "envpool"),
    ("Hopper-v5", "gymnasium"),
    ("Hopper-v5", "envpool"),
    ("ALE/Pong-v5", "gymnasium"),
]
SIZES = (8, 64, 1024)
ACTIONS = 16


def bare_step(env: VectorEnv) -> Callable[[Any], Any]:
    """Return what one who uses `env` without the layer calls for each step."""
    if env.metadata["autoreset_mode"] is not AutoresetMode.DISABLED:
        return env.step

    def step(action: Any) -> None:
        _, _, terminated, truncated, _ = env.step(action)
        done = terminated | truncated
        if done.any():
            env.reset(options={"reset_mask": done})

    return step


def speed(step: Callable[[Any], Any], actions: list[Any], num_envs: int, seconds: float) -> float:
    """Return the env steps a second of `step`."""
    begin, count = time.perf_counter(), 0
    while (taken := time.perf_counter() - begin) < seconds:
        step(actions[count % ACTIONS])
        count += 1
    return count * num_envs / taken


def compare(batch: EnvBatch, rounds: int, seconds: float) -> tuple[float, float, float]:
    """Return the speeds through the layer and bare, and the median of what the layer costs, as a share of bare."""
    batch.env.action_space.seed(0)
    actions = [batch.env.action_space.sample() for _ in range(ACTIONS)]
    batch.reset(0)
    bare, through, ratios = [], [], []
    for _ in range(rounds):
        through.append(speed(batch.step, actions, batch.num_envs, seconds))
        bare.append(speed(bare_step(batch.env), actions, batch.num_envs, seconds))
        ratios.append(bare[-1] / through[-1] - 1)
    return float(np.median(through)), float(np.median(bare)), float(np.median(ratios))


def main() -> None:
    """Print a line for each environment, backend and number of copies."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("ids", nargs="*", help="ids; all by default")
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--seconds", type=float, default=0.2, help="of each measurement")
    options = arguments.parse_args()
    print(machine("gymnasium", "numpy", "envpool", "ale-py", "mujoco"))
    print(f"{'env_spec':26}{'backend':10}{'copies':>7}{'through the layer':>20}{'bare':>14}{'cost':>8}")
    for env, asked in WORLDS:
        for num_envs in SIZES if not options.ids or env in options.ids else ():
            try:
                batch = EnvSpec(env, backend=asked).batch(num_envs)  # pyright: ignore[reportArgumentType]
            except SandlotError as error:
                print(f"{env:26}{error}")
                break
            through, bare, cost = compare(batch, options.rounds, options.seconds)
            print(f"{env:26}{batch.backend:10}{num_envs:7}{through:20,.0f}{bare:14,.0f}{cost:8.1%}", flush=True)
            batch.close()


if __name__ == "__main__":
    main()
