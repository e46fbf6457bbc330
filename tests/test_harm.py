"""A run survives what happens to it: crashes in mid-writing, damaged lines, a second writer, links."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from sandlot.cli import main
from sandlot.tracking import Run, SandlotError, read_metrics
from sandlot.tracking.metrics import drop_rows_after
from tests.commands import QUIET, in_a_folder_of_its_own, runs, sandlot  # noqa: F401

DQN = ("train", "dqn", "CartPole-v1", "--steps", "600", "--learning-starts", "100", "--buffer-size", "600",
       "--hidden", "8", "--checkpoint-every", "200", "--evaluation-episodes", "2", "--video-every", "0",
       *QUIET)  # fmt: skip
Q = ("train", "q-learning", "FrozenLake-v1", "--steps", "3000", "--checkpoint-every", "1000",
     "--evaluation-episodes", "5", "--video-every", "0", *QUIET)  # fmt: skip


def trained(words):
    assert main(list(words)) == 0
    return Run.find(runs(), "latest")


def final(run):
    return run.checkpoint()[1].tensors


def copied(run, name):
    shutil.copytree(run.folder, runs() / name)
    return Run(runs() / name)


def a_run(tmp_path, run_config):
    return Run.create(tmp_path, "test-s1", run_config, wandb="disabled")


def test_a_replay_buffer_whose_checkpoint_was_not_written_is_left_out():
    whole = trained(DQN)
    cut = copied(whole, "cut")
    for step in whole.checkpoint_steps()[1:]:
        shutil.rmtree(cut.checkpoint_folder(step))
    (cut.folder / "summary.json").unlink()
    assert list((cut.folder / "experience").iterdir())
    assert main(["resume", "cut"]) == 0
    for name, array in final(whole).items():
        np.testing.assert_array_equal(final(cut)[name], array)
    (buffer,) = (cut.folder / "experience").iterdir()
    shutil.rmtree(buffer)
    with pytest.raises(SandlotError, match=r"replay memory of step 60\d is gone"):
        cut.experience(cut.checkpoint_steps()[-1])


@pytest.mark.parametrize("status", ["interrupted", None])
def test_what_was_cut_off_after_the_last_checkpoint_is_made_up_for(status):
    whole = trained(Q)
    summary = whole.folder / "summary.json"
    before = json.loads(summary.read_text())
    rows = read_metrics(whole.folder)
    summary.unlink() if status is None else summary.write_text(json.dumps({"status": status, "env_step": 3000}))
    assert main(["resume", "latest"]) == 0
    assert whole.summary["status"] == "finished"
    assert whole.summary["evaluation"] == before["evaluation"]
    assert [row["env_step"] for row in read_metrics(whole.folder)][: len(rows)] == [row["env_step"] for row in rows]
    assert main(["resume", "latest"]) == 2, "it has all its steps now"


@pytest.mark.parametrize("output", ["/dev/full", "closed", "broken"])
def test_training_outlives_its_output(output):
    words = [sys.executable, "-m", "sandlot", *Q]
    if output == "closed":
        done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *words], stderr=subprocess.PIPE, check=False)
    elif output == "broken":
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, check=False)
        os.close(writer)
    else:
        with open(output, "w") as full:
            done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert Run.find(runs(), "latest").summary["status"] == "finished"


def test_a_hangup_ends_in_a_checkpoint():
    process = sandlot(*Q[:4], "10_000_000", *Q[5:])
    while len(list(runs().glob("*/checkpoints/step-*"))) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGHUP)
    assert process.wait(30) == 128 + signal.SIGHUP
    process.communicate()
    assert Run.find(runs(), "latest").summary["status"] == "interrupted"


def test_rows_after_a_damaged_one_are_kept(tmp_path, run_config):
    with a_run(tmp_path, run_config) as run:
        for step in range(1, 42):
            run.log({"loss": 1.0}, step)
    path = run.folder / "metrics.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    for damage in (
        b'{"env_step": 6, "lo\n',
        b"[[[[" * 9999 + b"\n",
        b'{"env_step": "6"}\n',
        b"7\n",
        b"\xff\n",
        b"{}\n",
    ):
        path.write_bytes(b"".join([*lines[:5], damage, *lines[6:]]))
        assert len(read_metrics(run.folder)) == 40
        drop_rows_after(run.folder, 31)
        kept = path.read_bytes().splitlines(keepends=True)
        assert kept[5] == damage, "what can't be read is not thrown away"
        assert [row["env_step"] for row in read_metrics(run.folder)] == [*range(1, 6), *range(7, 32)]
    path.write_bytes(b"".join(lines) + b'{"env_step": 42')
    run.add_figures({"fid": 1.0}, 41)
    assert read_metrics(run.folder)[-1] == {"env_step": 41, "fid": 1.0}


def test_a_full_disk_leaves_the_metrics_as_they_are(tmp_path, run_config, monkeypatch):
    with a_run(tmp_path, run_config) as run:
        for step in range(1, 30):
            run.log({"loss": 1.0}, step)

    def full(path, data):
        path.write_bytes(data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    before = (run.folder / "metrics.jsonl").read_bytes()
    with monkeypatch.context() as patch, run:
        patch.setattr("sandlot.tracking.common.files.write_synced", full)
        with pytest.raises(SandlotError, match="No space left"):
            run.reopen(20, 100)
    assert (run.folder / "metrics.jsonl").read_bytes() == before


def test_only_names_of_checkpoints_are_checkpoints(tmp_path, run_config):
    with a_run(tmp_path, run_config) as run:
        for step in (5, 999_999_999, 1_000_000_000, 10_000_000_000):
            run.save(step, {"a": np.ones(1)}, {})
        copy = run.checkpoint_folder(5).with_name("step-000000005.bak")
        others = [
            copy,
            *(copy.with_name(name) for name in ("step-", "step-x", "step-5", "best", "step-²", "step-٠٠٠٠٠٠٠٠٦")),
        ]
        for other in others:
            shutil.copytree(run.checkpoint_folder(5), other)
        copy.with_name("step-000000007").write_text("a file")
        assert run.checkpoint_steps() == [5, 999_999_999, 1_000_000_000, 10_000_000_000]
        assert run.checkpoint()[0].name == "step-10000000000"
        run.keep_only({1_000_000_000})
        assert run.checkpoint_steps() == [1_000_000_000]
    run.reopen(10, 100)
    run.finish({"status": "finished"})
    assert run.checkpoint_steps() == []
    assert all(other.is_dir() for other in others)


def test_there_is_one_writer(tmp_path, run_config):
    with a_run(tmp_path, run_config) as run:
        run.log({"loss": 1.0}, 1)
        with pytest.raises(SandlotError, match=f"is being written by process {os.getpid()} "):
            Run(run.folder).reopen(0, 10)
        Run(run.folder).add_figures({"fid": 1.0}, 1)
        run.log({"loss": 1.0}, 2)
    assert len(read_metrics(run.folder)) == 3
    Run(run.folder).add_figures({"fid": 1.0}, 2)


def test_a_run_that_is_deleted_while_it_trains_says_so(tmp_path, run_config):
    with a_run(tmp_path, run_config) as run:
        shutil.rmtree(run.folder)
        with pytest.raises(SandlotError, match="was deleted or moved"):
            run.save(1, {"a": np.ones(1)}, {})
        with pytest.raises(SandlotError, match="was deleted or moved"):
            run.finish({"status": "finished"})
    assert not run.folder.exists()


@pytest.mark.parametrize(
    "name", ["metrics.jsonl", "config.json", "summary.json", "videos", "images", "checkpoints", ".lock", "recorder.log"]
)
def test_links_in_a_run_are_refused(tmp_path, run_config, name):
    with a_run(tmp_path, run_config) as run:
        run.finish({"status": "finished"})
    elsewhere = tmp_path / "elsewhere"
    path = run.folder / name
    if path.exists():
        path.rename(elsewhere)
    path.symlink_to(elsewhere)
    with pytest.raises(SandlotError, match=f"{name} is a link to "):
        Run(run.folder)


def test_links_deep_in_a_run_are_refused_but_not_those_of_wandb(tmp_path, run_config):
    with a_run(tmp_path, run_config) as run:
        run.save(1, {"a": np.ones(1)}, {})
    (run.folder / "wandb").mkdir()
    (run.folder / "wandb" / "latest-run").symlink_to("run-1")
    Run(run.folder)
    (run.checkpoint_folder(1) / "more").symlink_to("/etc/passwd")
    with pytest.raises(SandlotError, match="more is a link to /etc/passwd"):
        Run(run.folder)


def test_media_outside_of_the_run_are_no_media(tmp_path, run_config):
    with a_run(tmp_path, run_config) as run:
        for file in ("/etc/passwd", "../../secret.png", 5):
            run.log({"media": {"a": file}}, 1)
    assert read_metrics(run.folder) == [{"env_step": 1}] * 3


def test_latest_goes_by_when_runs_began(tmp_path, run_config):
    made = []
    for _ in range(3):
        with a_run(tmp_path, run_config) as run:
            run.save(1, {"a": np.ones(1)}, {})
        made.append(run)
    (made[0].folder / "config.json").touch()
    assert Run.find(tmp_path, "latest").folder == made[2].folder
    shutil.rmtree(made[2].checkpoint_folder(1))
    assert Run.find(tmp_path, "latest").folder == made[1].folder
    Path(made[1].folder / "config.json").write_text("{")
    made[1].folder.rename(tmp_path / "renamed")
