"""Failing environments: training stops with an error in one sentence, the run stays readable, no process is left."""

import os
import signal
import subprocess
import sys
import time
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import SyncVectorEnv

from sandlot.envs import EnvSpec, make
from sandlot.tracking import Run, SandlotError
from tests.commands import final_weights, in_a_folder_of_its_own, runs, sandlot  # noqa: F401 (a fixture)
from tests.environments import Bad, Endless


def play(batch):
    for _ in range(6):
        batch.step(np.zeros(2, int))


MESSAGES = {
    "raises": r"tests/Bad-v0 failed: ZeroDivisionError: too few \(.*environments.py:\d+\), at step 5 after a reset",
    "observation": "gave an observation that is NaN or infinite in copy 0, at step 5 after a reset with seed 9",
    "reward": "tests/Bad-v0 gave a reward that is NaN or infinite in copy 0, at step 5 after a reset with seed 9",
    "shape": "tests/Bad-v0 failed: ValueError: .* at step 5 after a reset with seed 9",
    "api": r"tests/Bad-v0 failed: ValueError: not enough values to unpack \(expected 5, got 4\)",
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("what", MESSAGES)
def test_an_error_names_the_environment_seed_and_step(what, parallel, monkeypatch):
    monkeypatch.setattr("sandlot.envs.backends.vectorize._probe", lambda env_spec: (env_spec.single(), float(parallel)))
    batch = EnvSpec("tests/Bad-v0", {"what": what}).batch(2)
    assert batch.backend == ("async" if parallel else "sync")
    batch.reset(9)
    message = "ZeroDivisionError" if parallel and what == "raises" else MESSAGES[what]
    with pytest.raises(SandlotError, match=message) as caught:
        play(batch)
    assert "\n" not in str(caught.value)
    batch.close()
    assert not any(process.is_alive() for process in getattr(batch.env, "processes", ()))


def test_an_error_names_the_failing_copy_and_its_seed():
    batch = make(SyncVectorEnv([Endless, lambda: Bad("reward")]))
    batch.reset(9)
    with pytest.raises(SandlotError, match="in copy 1, at step 5 after a reset with seed 10"):
        play(batch)


def test_a_changed_observation_shape_is_an_error():
    class Growing(SyncVectorEnv):
        def step(self, actions) -> Any:
            observation, *rest = super().step(actions)
            return np.concatenate([observation, observation], 1), *rest

    batch = make(Growing([Endless] * 2))
    batch.reset(1)
    with pytest.raises(SandlotError, match=r"observations of the shape \(2, 2\), not \(2, 1\)"):
        batch.step(np.zeros(2, int))


def test_a_dead_worker_is_reported_and_the_others_are_stopped(monkeypatch):
    monkeypatch.setattr("sandlot.envs.backends.vectorize.SLOW_SECONDS", 0.0)
    batch = EnvSpec("Acrobot-v1", backend="gymnasium").batch(3)
    batch.reset(9)
    batch.env.processes[1].kill()
    batch.env.processes[1].join()
    with pytest.raises(SandlotError, match="Acrobot-v1 crashed: the process of a copy died, at step 1 after a reset"):
        batch.step(np.zeros(3, int))
    batch.close()
    assert not any(process.is_alive() for process in batch.env.processes)


def test_a_worker_that_dies_at_start_is_reported_and_the_others_are_stopped(monkeypatch):
    monkeypatch.setattr("sandlot.envs.backends.vectorize.SLOW_SECONDS", 0.0)
    before = set(active_children())
    with pytest.raises(SandlotError, match="tests/Bad-v0 crashed: the process of a copy died, at step 0"):
        EnvSpec("tests/Bad-v0", {"what": "dies"}).batch(3)
    assert set(active_children()) <= before


SLOW_ENV = """
import time
from tests.environments import Bad, Endless
class Slow(Endless):
    def step(self, action):
        time.sleep(0.0015)
        return super().step(action)
import gymnasium
gymnasium.register("tests/Slow-v0", entry_point=Slow, disable_env_checker=True)
"""


def children(pid):
    output = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return {int(line.split()[0]): line for line in output.splitlines()}


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks processes up in /proc")
@pytest.mark.parametrize("victim", ["worker", pytest.param("training", marks=pytest.mark.slow)])
def test_a_killed_process_leaves_a_readable_run_and_no_other_process(victim, tmp_path):
    (tmp_path / "slow_env.py").write_text(SLOW_ENV)
    words = ["ppo", "slow_env:tests/Slow-v0", "--num-envs", "3", "--num-steps", "16", "--batch-size", "16"]
    options = ["--epochs", "1", "--steps", "9_000_000", "--checkpoint-every", "480"]
    options += ["--video-every", "0", "--wandb", "disabled"]
    paths = os.pathsep.join(map(str, (tmp_path, Path(__file__).parents[2])))
    training = sandlot("train", *words, *options, env={**os.environ, "PYTHONPATH": paths})
    deadline = time.monotonic() + 120
    while len(list(runs().glob("*/checkpoints/step-*"))) < 2 and time.monotonic() < deadline:
        assert training.poll() is None, training.communicate()
        time.sleep(0.01)
    workers = []
    while len(workers) < 3:  # between two segments there are fewer for a moment
        workers = [pid for pid, line in children(training.pid).items() if "sandlot" in line]
    os.kill(workers[1] if victim == "worker" else training.pid, signal.SIGKILL)
    _, output = training.communicate(timeout=150)
    if victim == "worker":
        assert training.returncode == 2, output
        assert "Slow-v0 crashed: the process of a copy died, at step" in output
        assert Run.find(runs(), "latest").summary["status"] == "failed"
    run = Run.find(runs(), "latest")
    assert final_weights(run)
    deadline = time.monotonic() + 10
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))
