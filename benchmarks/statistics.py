"""Figures over seeds, and the machine they were measured on."""

import os
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import numpy as np


def iqm(values: "Sequence[float] | np.ndarray") -> float:
    """Return the interquartile mean. Source: Agarwal et al., "Deep RL at the edge of the statistical precipice"."""
    ordered = np.sort(np.asarray(values, float))
    cut = len(ordered) // 4
    return float(ordered[cut : len(ordered) - cut].mean())


def iqm_interval(values: Sequence[float], draws: int = 5_000) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the interquartile mean over seeds."""
    rng = np.random.default_rng(0)
    samples = [iqm(rng.choice(values, len(values))) for _ in range(draws)]
    low, high = np.quantile(samples, [0.025, 0.975])
    return float(low), float(high)


def machine(*packages: str) -> str:
    """Return a line about the machine and the versions of `packages`."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in packages)
    cpu = next(
        (line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    return f"{cpu}, {os.cpu_count()} cores; Python {platform.python_version()}, {versions}"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []
