"""Two trainings side by side: each a process of its own, the two in turn, and the ratio taken pair by pair.

So a machine whose speed drifts favours neither. A module that compares gives `run_job` its trainers, and the
names of two of them with their arguments to `compare`.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Trainer = Callable[..., tuple[float, float, int]]
"""Returns seconds of training, how well it ended and the units of work done, for some arguments and a seed."""


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser of the options that all comparisons have."""
    arguments = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    arguments.add_argument("--job", help=argparse.SUPPRESS)
    arguments.add_argument("--pairs", type=int, default=3, help="pairs of trainings")
    return arguments


def run_job(job: str, trainers: Mapping[str, Trainer]) -> None:
    """Do what `compare` asked this process for, and print what it reads."""
    who, *arguments = json.loads(job)
    print(json.dumps(trainers[who](*arguments)))


def in_a_process(module: str, who: str, arguments: Sequence[Any], threads: int | None) -> dict[str, float]:
    """Train in a fresh process; return its figures and its wall time from start to exit."""
    job = json.dumps([who, *arguments])
    environment = os.environ | ({} if threads is None else {"OMP_NUM_THREADS": str(threads)})
    begin = time.perf_counter()
    said = subprocess.run([sys.executable, "-m", module, "--job", job], capture_output=True, text=True, env=environment)
    whole = time.perf_counter() - begin
    if said.returncode:
        raise RuntimeError(said.stderr)
    seconds, reached, units = json.loads(said.stdout.splitlines()[-1])
    return {"speed": units / seconds, "reached": reached, "whole": whole}


def compare(
    title: str,
    module: str,
    ours: Sequence[Any],
    theirs: Sequence[Any],
    pairs: int,
    *,
    figure: str = "speed",
    threads: int | None = None,
    peer: str = "sb3",
    unit: str = "env steps",
    reached: str = "return",
) -> None:
    """Train Sandlot's and a peer's in turn `pairs` times; print the figures and their ratio.

    `module` runs the jobs: its trainers "sandlot" and `peer` get `ours` and `theirs`, and a seed. `figure` is
    "speed" (in `unit` a second) or "whole" (the seconds of the whole process), `reached` is how well it ended.
    `threads` are those that each may use; by default each makes its own choice.
    """
    print(f"\n{title}")
    ratios = []
    for seed in range(pairs):
        sandlot = in_a_process(module, "sandlot", [*ours, seed], threads)
        other = in_a_process(module, peer, [*theirs, seed], threads)
        ratios.append(sandlot["speed"] / other["speed"] if figure == "speed" else other["whole"] / sandlot["whole"])
        for who, run in (("sandlot", sandlot), (peer, other)):
            took = f"{run['speed']:>8,.0f} {unit}/s" if figure == "speed" else f"{run['whole']:>8.1f} s"
            digits = 1 if abs(run["reached"]) >= 10 else 4
            how_well = "" if math.isnan(run["reached"]) else f"   {reached} {run['reached']:7.{digits}f}"
            print(f"  seed {seed}  {who:9} {took}{how_well}", flush=True)
    low, middle, high = min(ratios), float(np.median(ratios)), max(ratios)
    print(f"  ratio: median {middle:.2f} (lowest {low:.2f}, highest {high:.2f}, {pairs} pairs)", flush=True)
