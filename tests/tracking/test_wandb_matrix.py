"""Ten kinds of run and what may befall them: with SANDLOT_WANDB_MATRIX=1, since it takes many minutes."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sandlot.tracking import Run, read_metrics
from tests.wandb_server import Misbehaviour, wandb_server

pytestmark = pytest.mark.skipif("SANDLOT_WANDB_MATRIX" not in os.environ, reason="SANDLOT_WANDB_MATRIX=1 runs it")
AGENT = "--steps 1500 --evaluation-episodes 2 --checkpoint-every 700"
KINDS = {
    "tabular": f"q-learning FrozenLake-v1 {AGENT}",
    "ppo": f"ppo CartPole-v1 {AGENT}",
    "dqn": f"dqn CartPole-v1 {AGENT}",
    "sac": "sac Pendulum-v1 --steps 600 --evaluation-episodes 1 --checkpoint-every 300",
    "sb3": f"sb3:a2c CartPole-v1 {AGENT}",
    "vae": "vae digits --epochs 1",
    "gan": "gan digits --epochs 1",
    "classifier": "classifier digits --epochs 1",
    "sklearn": "sklearn:gradient-boosting iris",
    "forecaster": "forecaster series.csv --target y --epochs 1",
}
FAULTS = {
    "well": None,
    "500": Misbehaviour("500", seconds=3, spared=5),
    "401": Misbehaviour("401", spared=5),
    "drop": Misbehaviour("drop", spared=5),
    "hang": Misbehaviour("hang", spared=5),
    "slow": Misbehaviour("slow", delay=0.3),
    "files": Misbehaviour("drop", where="storage"),
    "start": Misbehaviour("hang"),
}


@pytest.mark.timeout(200)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_row_and_file_is_there_once_or_the_command_that_brings_it_is_told(kind, fault, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("series.csv").write_text("t,y\n" + "".join(f"{i},{i % 7}\n" for i in range(400)))
    found = FAULTS[fault]
    fresh = found and Misbehaviour(found.kind, found.where, found.spared, found.seconds, found.delay)
    with wandb_server(fresh) as server:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
        env = {**kept, "HOME": str(tmp_path), **server.environment}
        words = [sys.executable, "-m", "sandlot", "train", *KINDS[kind].split()]
        done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=150)
        assert done.returncode == 0, done.stderr
        server.misbehaviour = None
        run = Run.find(Path("runs"), "latest")
        line = next(line for line in done.stdout.splitlines() if line.startswith("W&B"))
        if (command := run.wandb_sync_command) is not None:
            assert command in line
            sync = [str(Path(sys.executable).with_name("wandb")), *shlex.split(command)[1:]]
            subprocess.run(sync, env=env, check=True, capture_output=True, timeout=60)
        else:
            assert fault in ("well", "500", "slow")
        there, rows = server.run, read_metrics(run.folder)
        axis = run.config.get("axis", "env_step")
        assert [row[axis] for row in there.history] == [row[axis] for row in rows]
        named = {
            value["path"]
            for row in there.history
            for value in row.values()
            if isinstance(value, dict) and "path" in value
        }
        assert len(named) >= sum(len(row.get("media", {})) for row in rows)
        assert named <= set(there.files)
        assert not server.unknown
