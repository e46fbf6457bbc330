"""Zip files saved by Stable-Baselines3."""

import base64
import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import stable_baselines3 as sb3

from sandlot.agents.sb3.zips import detect_algorithm, load_zip
from sandlot.cli import main
from tests.agents.sb3.small_models import SMALL, new
from tests.commands import in_a_folder_of_its_own  # noqa: F401 (a fixture)


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def saved():
    model = sb3.PPO("MlpPolicy", "CartPole-v1", n_steps=32, batch_size=32, device="cpu")
    model.learn(32)
    model.save("model.zip")
    return model


def test_a_model_acts_as_in_stable_baselines3(capsys):
    model = saved()
    for command in ("evaluate", "record"):
        assert main([command, "model.zip", "--env", "CartPole-v1", "--episodes", "2", "--trust"]) == 0
    output = capsys.readouterr().out
    assert "sb3:ppo after 32 env steps" in output
    assert Path("model.mp4").stat().st_size > 1000
    agent = load_zip(Path("model.zip"), "CartPole-v1", trust=True)
    observations = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    ours, theirs = (each.predict(observations, deterministic=True)[0] for each in (agent, model))
    np.testing.assert_array_equal(ours, theirs)


def test_code_in_the_file_runs_only_if_it_is_trusted(capsys):
    saved()
    with zipfile.ZipFile("model.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    data = json.loads(files["data"])
    data["policy_class"][":serialized:"] = base64.b64encode(pickle.dumps(Bomb())).decode()
    with zipfile.ZipFile("bad.zip", "w") as archive:
        for name, content in {**files, "data": json.dumps(data)}.items():
            archive.writestr(name, content)
    for command in ("evaluate", "record"):
        assert main([command, "bad.zip", "--env", "CartPole-v1"]) == 2
        assert "if you trust its author, add --trust" in capsys.readouterr().err
        assert not Path("exploded").exists()
    assert main(["evaluate", "bad.zip", "--env", "CartPole-v1", "--trust"]) == 2
    assert Path("exploded").exists(), "the bomb was no bomb"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["model.zip", "--trust"], "add --env ID"),
        (["model.zip", "--env", "Acrobot-v1", "--trust"], "Acrobot-v1 has Box"),
        (["model.zip", "--env", "CartPole-v1", "--trust", "--algorithm", "pop"], "--algorithm must be one of ppo"),
        (["none.zip", "--env", "CartPole-v1", "--trust"], "there is no file none.zip"),
        (["text.zip", "--env", "CartPole-v1", "--trust"], "is not a model saved by Stable-Baselines3"),
    ],
)
def test_mistakes_are_one_sentence(words, sentence, capsys):
    saved()
    Path("text.zip").write_text("no zip")
    assert main(["evaluate", *words]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("name", SMALL)
def test_the_algorithm_is_detected_without_unpickling(name):
    new(name).model.save("model.zip")
    with zipfile.ZipFile("model.zip") as archive:
        data = json.loads(archive.read("data"))
    assert detect_algorithm(Path("model.zip"), data) == {"sb3:ddpg": "sb3:td3"}.get(name, name)
