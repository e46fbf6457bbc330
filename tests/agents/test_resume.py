"""A run that is killed and resumed ends as one that was not, bit for bit: of each kind of agent."""

import signal
from typing import Any

import numpy as np
import pytest

from sandlot.cli import main
from sandlot.tracking import Run, read_metrics
from tests.commands import final_weights, in_a_folder_of_its_own, runs, sandlot, stopped_after_a_checkpoint  # noqa: F401

CARTPOLE = "CartPole-v1 --steps 24_000 --checkpoint-every 6_000"
FROZEN_LAKE = "FrozenLake-v1 --steps 60_000 --checkpoint-every 15_000"
CASES = {
    "ppo": f"ppo {CARTPOLE} --normalize-rewards --normalize-observations --wandb offline",
    "a2c": f"a2c {CARTPOLE} --normalize-observations",
    "reinforce": f"reinforce {CARTPOLE}",
    "dqn, by priority": (
        "dqn CartPole-v1 --steps 2_400 --checkpoint-every 600 --num-envs 2 --prioritized --noisy --n-step 3 "
        "--buffer-size 1_000 --learning-starts 200 --train-freq 4 --gradient-steps 1 --normalize-observations"
    ),
    "dqn, with memory": (
        "dqn CartPole-v1 --steps 1_200 --checkpoint-every 300 --network lstm --learning-starts 100 --hidden 16 "
        "--train-freq 8 --gradient-steps 1 --memory-size 16 --batch-size 64"
    ),
    "sarsa, n-step": f"sarsa {FROZEN_LAKE} --n-steps 4",
    "q-learning, traces": (
        f"q-learning {FROZEN_LAKE} --trace-decay 0.7 --learning-rate-schedule visits --exploration-schedule linear"
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_killed_and_resumed_ends_as_if_nothing_had_been(case: str):
    words = CASES[case].split()
    words += ["--video-every", "0", "--evaluation-episodes", "2"]
    words += [] if "--wandb" in words else ["--wandb", "disabled"]
    killed, status, _ = stopped_after_a_checkpoint(words, signal.SIGKILL)
    assert status == -signal.SIGKILL
    assert not killed.summary
    reached = step_of(killed.checkpoints()[-1])
    assert 0 < reached < killed.config["steps"]
    process = sandlot("resume", killed.folder.name)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    assert main(["train", *words]) == 0
    whole = Run.find(runs(), "latest")
    assert whole.folder != killed.folder
    last = step_of(whole.checkpoints()[-1])
    for one, two in ((final_weights(killed), final_weights(whole)), (killed.experience(last), whole.experience(last))):
        assert one.keys() == two.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], two[name], name)
    assert bool(whole.experience(last)) is case.startswith("dqn")
    assert [path.name for path in killed.checkpoints()] == [path.name for path in whole.checkpoints()]
    # Rows are due by env steps since the last one, which a resumed run counts from its checkpoint.
    later = [row["env_step"] for row in untimed(whole) if row["env_step"] > reached]
    assert {row["env_step"] for row in untimed(killed)} >= set(later[1:])
    assert killed.summary["evaluation"] == whole.summary["evaluation"]
    ids = {path.name[-8:] for path in killed.folder.glob("wandb/offline-run-*")}
    assert ids == ({killed.config["wandb"]["id"]} if "offline" in words else set())


def test_only_the_newest_replay_memory_is_kept_and_an_older_checkpoint_says_so(capsys):
    words = CASES["dqn, by priority"].split()
    assert main(["train", *words, "--video-every", "0", "--evaluation-episodes", "1", "--wandb", "disabled"]) == 0
    run = Run.find(runs(), "latest")
    assert len(list((run.folder / "experience").iterdir())) == 1
    older = step_of(run.checkpoints()[1])
    assert main(["resume", "latest", "--step", str(older), "--steps", "3000"]) == 2
    said = capsys.readouterr().err
    assert f"the replay memory of step {older} is gone" in said
    assert len(run.checkpoints()) == 5, "nothing is lost"
    assert main(["evaluate", "latest", "--step", str(older), "--episodes", "2"]) == 0


def step_of(checkpoint: Any) -> int:
    return int(checkpoint.name.removeprefix("step-"))


def untimed(run: Run) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in row.items() if not key.startswith("time/")} for row in read_metrics(run.folder)
    ]
