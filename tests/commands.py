"""The command line in processes of its own, in a folder of its own."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandlot.agents.evaluation import evaluate
from sandlot.agents.loading import load_agent
from sandlot.agents.multi_agent import env_spec_of
from sandlot.cli import main
from sandlot.tracking import Run, read_checkpoint

QUIET = ("--wandb", "disabled")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def sandlot(*words, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "sandlot", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def runs():
    return Path("runs")


def final_weights(run):
    return read_checkpoint(run.checkpoints()[-1]).tensors


def trained(*words):
    """Train to the end in this process, and return the run."""
    assert main(["train", *words]) == 0
    return Run.find(runs(), "latest")


def trained_apart(*words):
    """Train to the end in a process of its own, with as many threads as one that is killed has, and return the run."""
    process = sandlot("train", *words)
    _, error = process.communicate(timeout=250)
    assert process.returncode == 0, error
    return Run.find(runs(), "latest")


def learned_apart(*words):
    """Return the greedy return that the training which `words` ask for ends with.

    In a process of its own the annotations are not checked, which would take most of the time.
    """
    run = trained_apart(*words, "--video-every", "0", *QUIET)
    return evaluate(load_agent(run), env_spec_of(run.config["env"])).mean


def stopped_after_a_checkpoint(words, number):
    """Start a training, send it the signal `number` when its second checkpoint is there, and return its run."""
    process = sandlot("train", *words)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = sorted(runs().glob("*/checkpoints/step-*"))
        if len(found) >= 2:
            break
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(number)
    said = process.communicate(timeout=60)
    return Run.find(runs(), "latest"), process.returncode, said
