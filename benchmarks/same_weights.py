"""Compare the weights after short runs of two checkouts of Sandlot: after a refactoring they are equal.

    python -m benchmarks.same_weights OLD NEW [--jobs 'ppo*' …]

Trains every agent, model and task for a few steps in each checkout, with the same seed, and compares the tensors of
the last checkpoints as sets, whatever their names. Prints a line for each job and exits with status 1 if one differs.
"""

import argparse
import fnmatch
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from safetensors.numpy import load_file

SHORT = "--wandb disabled --runs-dir RUNS"
AGENT = f"--checkpoint-every 100000000 --video-every 0 --evaluation-episodes 1 {SHORT}"
FIT = f"--epochs 2 {SHORT}"
JOBS: dict[str, str] = {
    "q-learning": "q-learning FrozenLake-v1 --steps 5000",
    "double-q-learning": "double-q-learning Taxi-v4 --steps 5000",
    "sarsa": "sarsa CliffWalking-v1 --steps 5000",
    "expected-sarsa": "expected-sarsa FrozenLake-v1 --steps 5000",
    "dqn": "dqn CartPole-v1 --steps 3000 --learning-starts 500",
    "dqn rainbow": "dqn CartPole-v1 --steps 3000 --learning-starts 500 --rainbow",
    "dqn lstm": "dqn CartPole-v1 --steps 1500 --learning-starts 500 --network lstm",
    "dqn cnn": "dqn sandlot/Catch-v0 --steps 1500 --learning-starts 500",
    "reinforce": "reinforce CartPole-v1 --steps 4000",
    "a2c": "a2c CartPole-v1 --steps 4000",
    "a2c continuous": "a2c Pendulum-v1 --steps 4000",
    "ppo": "ppo CartPole-v1 --steps 6000",
    "ppo continuous": "ppo Pendulum-v1 --steps 6000",
    "ppo lstm": "ppo sandlot/Repeat-v0 --steps 6000 --network lstm",
    "ppo gru": "ppo sandlot/Repeat-v0 --steps 6000 --network gru",
    "ppo transformer": "ppo sandlot/Repeat-v0 --steps 6000 --network transformer",
    "ppo cnn": "ppo sandlot/Catch-v0 --steps 6000",
    "ppo tictactoe": "ppo pettingzoo/tictactoe_v3 --steps 6000",
    "ddpg": "ddpg Pendulum-v1 --steps 1500 --learning-starts 500",
    "td3": "td3 Pendulum-v1 --steps 1500 --learning-starts 500",
    "sac": "sac Pendulum-v1 --steps 1500 --learning-starts 500",
    "sb3:ppo": "sb3:ppo CartPole-v1 --steps 4096",
    **{
        name: f"{name} digits"
        for name in ("ae", "dae", "vae", "vq-vae", "gan", "dcgan", "wgan-gp", "hinge-gan", "cgan")
    },
    "classifier mlp": "classifier wine",
    "classifier cnn": "classifier digits --network cnn",
    "regressor": "regressor diabetes",
}
"""For each name of a job, what follows `sandlot train`."""


def command(job: str) -> list[str]:
    """Return the arguments of a job, with `RUNS` in place of the folder of runs."""
    words = job.split()
    learns_steps = "--steps" in words
    return [*words, *(AGENT if learns_steps else FIT).split()]


def train(checkout: Path, job: str, runs: Path) -> Counter[bytes]:
    """Train a job in `checkout` and return the tensors of its last checkpoint, each as bytes, with their number."""
    linked = checkout / "build" / "import-root"
    environment = {**os.environ, "PYTHONPATH": str(linked if linked.is_dir() else checkout), "OMP_NUM_THREADS": "1"}
    words = [str(runs) if word == "RUNS" else word for word in command(job)]
    subprocess.run(
        [sys.executable, "-P", "-m", "sandlot", "train", *words], check=True, capture_output=True, cwd=runs,
        env=environment, text=True,
    )  # fmt: skip
    checkpoint = max(runs.glob("*/checkpoints/step-*"))
    tensors = [tensor for file in sorted(checkpoint.rglob("*.safetensors")) for tensor in load_file(file).values()]
    return Counter(tensor.tobytes() for tensor in tensors if tensor.dtype.kind == "f" and tensor.size)


def main() -> int:
    """Run the jobs in both checkouts and compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--jobs", nargs="*", default=["*"], help="patterns of names")
    options = parser.parse_args()
    chosen = [name for name in JOBS if any(fnmatch.fnmatch(name, pattern) for pattern in options.jobs)]
    different = 0
    for name in chosen:
        found: list[Counter[bytes]] = []
        try:
            for checkout in (options.old.resolve(), options.new.resolve()):
                with tempfile.TemporaryDirectory() as runs:
                    found.append(train(checkout, JOBS[name], Path(runs)))
        except subprocess.CalledProcessError as error:
            print(f"{name:20} failed: {error.stderr.strip().splitlines()[-1]}", flush=True)
            different += 1
            continue
        old, new = found
        equal = sum((old & new).values())
        verdict = "equal" if old == new else f"{equal} of {sum(old.values())} tensors equal ({sum(new.values())} new)"
        print(f"{name:20} {verdict}", flush=True)
        different += old != new
    print(f"{len(chosen) - different} of {len(chosen)} jobs equal")
    return min(different, 1)


if __name__ == "__main__":
    sys.exit(main())
