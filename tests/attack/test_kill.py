"""Killed at each operation on files, a run can be resumed, and ends bit for bit as one that was not killed."""

import contextlib
import gc
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

from sandlot.cli import main
from sandlot.tracking import Run
from tests.attack.kill import Killed, killed_at

from .test_damage import without_helpers  # noqa: F401 (a fixture)

AGENT = ("--evaluation-episodes", "1", "--video-every", "0", "--wandb", "disabled")
SMALL = ("--hidden", "4", "--learning-starts", "10", "--buffer-size", "220", "--batch-size", "4", *AGENT)
RUNS = {
    "tabular": ("q-learning", "FrozenLake-v1", "--steps", "60", "--checkpoint-every", "20", *AGENT),
    "value": ("dqn", "CartPole-v1", "--steps", "40", "--checkpoint-every", "20", *SMALL),
    "policy": ("ppo", "CartPole-v1", "--steps", "32", "--checkpoint-every", "16", "--num-envs", "1", "--num-steps", "8",
               "--batch-size", "8", "--hidden", "4", *AGENT),
    "continuous": ("sac", "Pendulum-v1", "--steps", "40", "--checkpoint-every", "20", *SMALL),
    "classifier": ("classifier", "iris", "--epochs", "3", "--hidden", "4", "--wandb", "disabled"),
    "vae": ("vae", "iris", "--epochs", "2", "--latent-size", "2", "--hidden", "4", "--wandb", "disabled"),
}  # fmt: skip


def train_killed_at(kind: str, at: int | None) -> int:
    """Train in a new folder, and return how many operations on files there were."""
    shutil.rmtree("runs", ignore_errors=True)
    with killed_at(at) as killer, contextlib.suppress(Killed):
        assert main(["train", *RUNS[kind]]) in (0, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()  # what a process that dies lets go: files and locks
    return killer.count


def problem_after(kind: str, at: int, expected: dict[str, np.ndarray]) -> str | None:
    """Kill a training at the operation `at`, resume it, and return what is wrong with how it ends."""
    train_killed_at(kind, at)
    whole = [path for path in Path().glob("runs/*/checkpoints/*") if (path / "checksums.json").is_file()]
    status = main(["resume", "latest"])
    if status == 2 and not any("tmp" not in path.name for path in whole):
        return None  # there was no checkpoint yet
    if status != 0:
        run = next(Path("runs").iterdir())
        return None if Run(run).summary.get("status") == "finished" else f"resume ends with {status}"
    (run,) = Path("runs").iterdir()
    found = Run(run).checkpoint()[1].tensors
    if found.keys() != expected.keys():
        return "other tensors"
    return next((name for name in found if not np.array_equal(found[name], expected[name], equal_nan=True)), None)


def kill_everywhere(kind: str, most: int) -> dict[int, str]:
    """Return what went wrong, by the operation at which the training was killed; of `most` operations."""
    total = train_killed_at(kind, None)
    (run,) = Path("runs").iterdir()
    expected = Run(run).checkpoint()[1].tensors
    points = np.unique(np.linspace(1, total, min(most, total)).round().astype(int)).tolist()
    problems = {at: problem_after(kind, at, expected) for at in points}
    print(f"{kind}: killed at {len(points)} of {total} operations")
    return {at: problem for at, problem in problems.items() if problem is not None}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("kind", "points"), [("tabular", 6), ("value", 3)])
def test_killed_here_and_there(kind, points):
    assert kill_everywhere(kind, points) == {}


@pytest.mark.attack
@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", RUNS)
def test_killed_everywhere(kind):
    assert kill_everywhere(kind, 10_000) == {}
