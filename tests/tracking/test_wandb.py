"""W&B gets every row, film and picture, or the user is told the command that brings them."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from sandlot.tracking import RETURN, RETURN_HIGH, RETURN_LOW, Run, WandbOptions, read_metrics, write_video
from tests.wandb_server import Misbehaviour, wandb_server

CONFIG = {"agent": "ppo", "env": {"id": "CartPole-v1"}, "seed": 0, "steps": 1000, "config": {"learning_rate": 0.1}}
WANDB = str(Path(sys.executable).with_name("wandb"))


@pytest.fixture(autouse=True)
def no_other_wandb(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def online(monkeypatch):
    """Start a server that misbehaves as asked, and let W&B use it."""
    opened = []

    def start(kind=None, *, rewinds=False, **how):
        context = wandb_server(Misbehaviour(kind, **how) if kind else None, rewinds=rewinds)
        opened.append(context)
        server = context.__enter__()
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        return server

    yield start
    for context in opened:
        context.__exit__(None, None, None)


def log(run, steps):
    for step in steps:
        run.log({RETURN: float(step), RETURN_LOW: 0.0, RETURN_HIGH: 9.0, "time": time.time()}, step)


def film(run, step):
    path = run.folder / "videos" / f"step-{step:09d}.mp4"
    write_video(path, (np.full((40, 40, 3), index, np.uint8) for index in range(5)), 10)
    run.log_media("video", path, step)


def record(steps, mode="auto", wait=None, **options):
    """Record a run, as trainings do; `wait` is called before it ends."""
    with Run.create(Path("runs"), "ppo-CartPole-v1-s0", CONFIG, wandb=mode, **options) as run:
        log(run, steps)
        film(run, steps[-1])
        run.save(steps[-1], {}, {})
        if wait:
            wait(run)
        run.finish({"status": "finished"})
    return run


def opened(run):
    """Wait until W&B is open."""
    wait_for(lambda: run.wandb.get("sessions"))


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def sync(run):
    """Give the command that the user is told."""
    assert run.wandb_sync_command in run.where_wandb_is
    words = shlex.split(run.wandb_sync_command)
    assert words.pop(0) == "wandb"
    subprocess.run([WANDB, *words], check=True, capture_output=True, timeout=60)
    assert run.wandb_sync_command is None


def is_whole(server, run, first=0):
    """Tell whether W&B has each row once, and the films and pictures that they name."""
    there = next(each for each in server.runs.values() if each.id == run.wandb["id"])
    assert [row["_step"] - first for row in there.history][:1] == [0]
    rows = [row for row in there.history if row["_step"] >= first]
    local = read_metrics(run.folder)
    assert [row["env_step"] for row in rows] == [row["env_step"] for row in local]
    assert [row.get(RETURN) for row in rows] == [row.get(RETURN) for row in local]
    stamps = [json.loads(line)["timestamp"] for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    assert [row["_timestamp"] for row in rows] == pytest.approx(stamps, abs=0.01)
    named = [value["path"] for row in rows for value in row.values() if isinstance(value, dict) and "path" in value]
    assert len(named) >= 1
    assert set(named) <= set(there.files)
    assert not server.unknown
    return there


def test_when_all_is_well_all_is_there(online, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/sandlot", "train", "ppo", "CartPole-v1"])
    server = online()
    options = WandbOptions(tags=("mine",), notes="why", alerts=True)
    run = record(range(0, 100, 5), wandb_options=options)
    there = is_whole(server, run)
    assert run.where_wandb_is == run.wandb["url"] == f"{server.url}/sandbox/sandlot/runs/{there.id}"
    assert run.wandb_sync_command is None
    assert there.exit_code == 0
    assert there.config["learning_rate"] == 0.1
    assert there.config["env"] == "CartPole-v1"
    assert not any("." in key for key in there.config)
    wanted = {"displayName": run.folder.name, "groupName": "ppo-CartPole-v1", "jobType": "train", "notes": "why"}
    assert {name: there.fields.get(name) for name in wanted} == wanted
    assert there.fields["tags"] == ["mine"]
    metadata = json.loads(there.files["wandb-metadata.json"])
    assert metadata["args"] == sys.argv[1:]
    assert "recorder" not in there.fields["program"]
    (alert,) = there.alerts
    assert "finished" in alert["title"]


@pytest.mark.parametrize(
    ("kind", "where", "reason"),
    [
        ("401", "", "refused the API key"),
        ("drop", "", "connection"),
        ("hang", "storage", "connection|too long"),
        ("403", "storage", "answered 403"),
    ],
)
def test_what_did_not_arrive_is_told_with_the_command_that_brings_it(online, kind, where, reason, monkeypatch, capfd):
    monkeypatch.setenv("SANDLOT_WANDB_TIMEOUT", "3")
    server = online(kind, where=where, spared=0 if where else 5)
    begin = []
    run = record(range(0, 100, 5), wait=lambda run: begin.append((opened(run), time.monotonic())))
    assert time.monotonic() - begin[0][1] < 10
    assert run.wandb["mode"] == "online"
    assert "wandb sync --include-online runs/" in run.where_wandb_is
    assert next(iter(pytest.importorskip("re").finditer(reason, run.wandb["error"])), None), run.wandb["error"]
    server.misbehaviour = None
    sync(run)
    assert is_whole(server, run).exit_code == 0
    if kind == "403":
        assert is_whole(server, goes_on(run, range(100, 130, 5))).exit_code == 0


def test_a_server_that_is_gone_for_a_while_is_waited_for(online):
    server = online("500", seconds=1, spared=5)
    run = record(range(0, 100, 5), wait=opened)
    is_whole(server, run)
    assert run.wandb_sync_command is None


@pytest.mark.parametrize("fault", ["refused", "hang", "401", "a bad key", "no key"])
def test_what_cannot_go_online_goes_offline_at_once(online, fault, monkeypatch):
    server = online(*([fault] if fault in ("hang", "401") else []))
    if fault == "refused":
        monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    if fault == "a bad key":
        monkeypatch.setenv("WANDB_API_KEY", "short")
    if fault == "no key":
        monkeypatch.delenv("WANDB_API_KEY")
    if fault == "hang":
        monkeypatch.setenv("WANDB_INIT_TIMEOUT", "1")
    run = record(range(0, 100, 5))
    assert run.wandb["mode"] == "offline"
    assert ("error" in run.wandb) == (fault != "no key")
    assert run.where_wandb_is.startswith("offline")
    if fault == "refused":
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        sync(run)
        is_whole(server, run)


def goes_on(run, steps, *, step=None):
    """Resume a run from its checkpoint."""
    again = Run(run.folder)
    again.reopen(again.checkpoint_steps()[-1] if step is None else step, 1000)
    with again:
        log(again, steps)
        film(again, steps[-1])
        again.finish({"status": "finished"})
    return again


def test_begun_offline_and_resumed_online_is_whole(online, monkeypatch):
    server = online()
    run = goes_on(record(range(0, 50, 5), mode="auto", wait=lambda _: None), range(50, 100, 5))
    assert is_whole(server, run).exit_code == 0
    monkeypatch.setenv("WANDB_MODE", "offline")
    run = goes_on(run, range(100, 120, 5), step=95)
    monkeypatch.delenv("WANDB_MODE")
    assert run.wandb["mode"] == "offline"
    run = goes_on(run, range(120, 140, 5), step=115)
    assert is_whole(server, run).exit_code == 0
    assert run.wandb_sync_command is None


def test_begun_offline_and_resumed_offline_names_both(online, monkeypatch):
    server = online()
    monkeypatch.setenv("WANDB_MODE", "offline")
    run = goes_on(record(range(0, 50, 5)), range(50, 100, 5))
    assert run.wandb_sync_command.count("offline-run-") == 2
    monkeypatch.delenv("WANDB_MODE")
    sync(run)
    is_whole(server, run)


def test_killed_together_with_its_helpers_and_resumed_is_whole(online, monkeypatch):
    monkeypatch.setenv("WANDB__FILE_STREAM_TRANSMIT_INTERVAL", "0.2")
    server = online()
    script = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.tracking.test_wandb import CONFIG, Run, Path, film, log
run = Run.create(Path("runs"), "ppo-CartPole-v1-s0", CONFIG)
log(run, range(0, 50, 5)); film(run, 45); run.save(45, {{}}, {{}})
time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    wait_for(lambda: server.runs and server.run.files)
    time.sleep(0.3)
    for pid in family(process.pid):
        os.kill(pid, signal.SIGKILL)
    process.wait()
    run = Run.find(Path("runs"), "latest")
    assert run.wandb["sessions"][-1]["end"] is None
    run = goes_on(run, range(50, 100, 5))
    assert is_whole(server, run).exit_code == 0


def family(pid):
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    return [pid, *(each for child in found for each in family(int(child)))]


@pytest.mark.parametrize("rewinds", [True, False])
def test_a_run_that_goes_back_is_cut_off_at_wandb_or_gets_a_run_of_its_own(online, rewinds):
    server = online(rewinds=rewinds)
    with Run.create(Path("runs"), "ppo-CartPole-v1-s0", CONFIG) as run:
        for step in range(0, 50, 5):
            log(run, [step])
            if step in (20, 45):
                run.save(step, {}, {})
        opened(run)
    old = run.wandb["id"]
    run = goes_on(run, range(21, 61, 5), step=20)
    there = is_whole(server, run)
    assert (there.id == old) == rewinds
    if not rewinds:
        assert old in there.fields["notes"]
        assert there.config["resumed_from"]["id"] == old


def test_variables_are_obeyed_and_a_flag_beats_them(online, monkeypatch, tmp_path):
    server = online()
    wanted = {
        "PROJECT": "mine", "RUN_GROUP": "g1", "NAME": "nice", "RUN_ID": "chosen01", "TAGS": "a,b", "NOTES": "why",
        "JOB_TYPE": "eval", "ENTITY": "sandbox", "DIR": str(tmp_path / "elsewhere"),
    }  # fmt: skip
    (tmp_path / "elsewhere").mkdir()
    for name, value in wanted.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    run = record(range(0, 20, 5), wandb_options=WandbOptions(name="flag"))
    there = is_whole(server, run)
    assert (there.project, there.id) == ("mine", "chosen01")
    fields = ("groupName", "displayName", "tags", "notes", "jobType")
    assert [there.fields[name] for name in fields] == ["g1", "flag", ["a", "b"], "why", "eval"]
    assert list((tmp_path / "elsewhere" / "wandb").glob("run-*"))
    for name in wanted:
        monkeypatch.delenv(f"WANDB_{name}")
    run = goes_on(run, range(20, 40, 5))
    assert is_whole(server, run).project == "mine"
    monkeypatch.setenv("WANDB_DISABLED", "true")
    assert record(range(0, 20, 5)).where_wandb_is == "disabled"
    assert len(server.runs) == 1


def test_a_run_of_somebody_elses_goes_on_after_what_it_has(online, monkeypatch):
    server = online()
    monkeypatch.setenv("WANDB_RUN_ID", "shared01")
    record(range(0, 20, 5))
    count = len(server.run.history)
    run = record(range(0, 30, 5))
    rows = server.run.history
    assert len(rows) == count + len(read_metrics(run.folder))
    assert [row["env_step"] for row in rows[count:]] == [row["env_step"] for row in read_metrics(run.folder)]


def test_without_wandb_training_goes_on_with_a_sentence(monkeypatch, tmp_path):
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "sitecustomize.py").write_text("import sys; sys.modules['wandb'] = None")
    monkeypatch.setenv("PYTHONPATH", str(blocked))
    run = record(range(0, 20, 5))
    assert "wandb is not installed" in run.where_wandb_is
    assert run.curve.exists()


def test_helpers_import_nothing_from_the_current_folder(tmp_path, monkeypatch):
    for name in ("wandb", "matplotlib", "random", "agents", "tracking"):
        (tmp_path / f"{name}.py").write_text("open('stranger-was-here', 'w'); raise SystemExit(3)")
    monkeypatch.setenv("PYTHONPATH", f".{os.pathsep}{tmp_path}{os.pathsep}")
    run = record(range(0, 20, 5))
    assert not Path("stranger-was-here").exists()
    assert run.wandb["mode"] == "offline"
    assert "error" not in run.wandb
    assert run.curve.exists()


def test_a_missing_package_is_recorded_as_none(monkeypatch):
    monkeypatch.setattr("sandlot.tracking.run_folder.RECORDED_VERSIONS", ("torch", "no-such-package"))
    with Run.create(Path("runs"), "test-s1", CONFIG, wandb="disabled") as run:
        assert run.config["versions"]["no-such-package"] is None
        assert run.config["versions"]["torch"]


OWN_RUN = """
import wandb
from pathlib import Path
from sandlot.agents import PPO
from sandlot.tracking import Run, read_metrics
mine = wandb.init(project="mine")
PPO("CartPole-v1").learn(2_000, record={run})
assert wandb.run is mine
mine.log(dict(after=1))
mine.finish()
"""


@pytest.mark.parametrize("used", [True, False])
def test_inside_a_script_with_a_run_of_its_own(online, used):
    server = online()
    script = OWN_RUN.format(run="wandb.run" if used else "'runs'")
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stderr
    run = Run.find(Path("runs"), "latest")
    mine = next(each for each in server.runs.values() if each.project == "mine")
    assert mine.history[-1]["after"] == 1
    if used:
        assert len(server.runs) == 1
        steps = [row["env_step"] for row in mine.history if "env_step" in row]
        assert steps == [row["env_step"] for row in read_metrics(run.folder)]
        assert run.where_wandb_is == f"{server.url}/sandbox/mine/runs/{mine.id}"
    else:
        other = next(each for each in server.runs.values() if each.project == "sandlot")
        assert [row["env_step"] for row in other.history] == [row["env_step"] for row in read_metrics(run.folder)]
        assert run.wandb_sync_command is None


def test_checkpoints_are_artifacts_that_come_back_as_a_run(online):
    server = online()
    options = WandbOptions(log_checkpoints="all")
    with Run.create(Path("runs"), "ppo-CartPole-v1-s0", CONFIG, wandb_options=options) as run:
        for step, value in ((10, 1.0), (20, 5.0), (30, 3.0)):
            run.log({RETURN: value}, step)
            run.save(step, {"weights": np.ones(3, np.float32) * step}, {"step": step})
        run.finish({"status": "finished"})
    assert run.wandb_sync_command is None
    assert not server.unknown
    made = {artifact["metadata"]: [alias["alias"] for alias in artifact["aliases"]] for artifact in server.run.artifacts
            if artifact["artifactTypeName"] == "model"}  # fmt: skip
    best = next(aliases for metadata, aliases in made.items() if json.loads(metadata)["step"] == 20)
    assert "best" in best
    again = Run.find(Path("elsewhere"), f"wandb:sandbox/sandlot/{run.wandb['id']}")
    assert again.checkpoint()[1].state == {"step": 30}
