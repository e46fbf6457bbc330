"""Runs made from Python: every command takes them, or says in a sentence what they lack."""

import json
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from sandlot.agents import PPO, QLearning, create_run, load_agent
from sandlot.cli import main
from sandlot.tracking import Run, read_checkpoint
from tests.commands import in_a_folder_of_its_own, runs  # noqa: F401

SMALL = {"num_envs": 4, "num_steps": 32, "batch_size": 64, "epochs": 1, "hidden": (16,)}
TRAIN = "train ppo CartPole-v1 --num-envs 4 --num-steps 32 --batch-size 64 --epochs 1 --hidden 16 --wandb disabled"


def in_the_readme(agent):
    with Run.create(Path("runs"), "my-run", {"note": "anything"}, wandb="disabled") as run:
        agent.learn(300, record=run)
        run.finish({"status": "finished"})


def by_create_run(agent):
    with create_run(agent, steps=300, wandb="disabled", video_every=100) as run:
        agent.learn(300, record=run)
        run.finish({"status": "finished"})


def by_folder(agent):
    agent.learn(300, record="runs")


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "recorded", [in_the_readme, pytest.param(by_create_run, marks=SLOW), pytest.param(by_folder, marks=SLOW)]
)
def test_every_command_takes_a_run_from_python(recorded, capsys, monkeypatch):
    served = []
    monkeypatch.setattr("sandlot.play.server.serve", lambda session, *_: served.append(session))
    agent = PPO("CartPole-v1", seed=2, **SMALL)
    recorded(agent)
    run = Run.find(runs(), "latest")
    for words in (
        "evaluate latest --episodes 3",
        "record latest --seconds 1",
        "play latest",
        "resume latest --steps 600",
        f"compare latest {run.folder.name}",
    ):
        assert main(words.split()) == 0, capsys.readouterr().err
    assert len(served) == 1
    assert Run(run.folder).config["steps"] == 600
    assert Run(run.folder).summary["evaluation"]["episodes"] == 100


def test_it_says_what_the_command_line_would(capsys):
    assert main([*TRAIN.split(), "--steps", "300", "--seed", "2", "--video-every", "0"]) == 0
    theirs = Run.find(runs(), "latest")
    agent = PPO("CartPole-v1", seed=2, **{**SMALL, "hidden": (16,)})
    ours = create_run(agent, "others", steps=300, wandb="disabled")
    ours.finish({"status": "finished"})
    assert theirs.config.keys() == ours.config.keys()
    for name in ("agent", "env", "seed", "steps", "training", "config"):
        assert theirs.config[name] == json.loads(json.dumps(ours.config[name])), name


@pytest.mark.slow
def test_resumed_on_the_command_line_it_ends_as_if_nothing_had_been():
    whole = PPO("CartPole-v1", seed=2, **SMALL).learn(900, record="whole", checkpoint_every=300)
    PPO("CartPole-v1", seed=2, **SMALL).learn(900, record="runs", checkpoint_every=300)
    run = Run.find(runs(), "latest")
    assert main(["resume", "latest", "--step", str(run.checkpoint_steps()[1]), "--steps", "900"]) == 0
    for name, array in read_checkpoint(run.checkpoints()[-1]).tensors.items():
        np.testing.assert_array_equal(array, whole.tensors()[name])


def test_a_run_that_was_never_trained_is_a_sentence_in_every_command(capsys):
    with Run.create(Path("runs"), "empty", {"note": "nothing"}, wandb="disabled") as run:
        run.finish({"status": "finished"})
    for command in ("evaluate", "record", "play", "resume"):
        assert main([command, "latest"]) == 2
        said = capsys.readouterr().err
        assert "does not say its" in said
        assert len(said.splitlines()) == 1
    assert main(["compare", "latest", "latest"]) == 0


def test_a_run_in_an_environment_object_is_a_sentence(capsys):
    agent = QLearning(gymnasium.make("FrozenLake-v1"))
    agent.learn(300, record="runs")
    assert load_agent(Run.find(runs(), "latest")).env_step == agent.env_step
    for command in ("evaluate", "record", "resume"):
        assert main([command, "latest", *(["--steps", "900"] if command == "resume" else [])]) == 2
        assert "does not say its env in config.json" in capsys.readouterr().err
