"""Environments in a user's own file: named by the file, and found again from anywhere."""

import json
import sys

import gymnasium
import pytest

from sandlot.agents import PPO
from sandlot.cli import main
from sandlot.envs import EnvSpec
from sandlot.envs.user_files import FINDER, UserFile, file_of, plain_id
from sandlot.tracking import Run, SandlotError

TEXT = """
import gymnasium
import beside_{name}
from gymnasium.envs.classic_control import CartPoleEnv

class Mine(CartPoleEnv):
    horizon = 20

def make_env(render_mode=None):
    return CartPoleEnv(render_mode=render_mode)

gymnasium.register("{name}-v0", entry_point="{name}:Mine", max_episode_steps=20)
"""
SIZE = ["--num-envs", "1", "--num-steps", "16", "--batch-size", "16", "--epochs", "1", "--steps", "32"]
QUIET = ["--evaluation-episodes", "2", "--video-every", "0", "--wandb", "disabled"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Return a folder with `mine.py` that is the current one, and forget the file afterwards."""
    name = "my_own_env"
    (tmp_path / "envs").mkdir()
    for folder in (tmp_path, tmp_path / "envs"):
        (folder / f"{name}.py").write_text(TEXT.format(name=name))
        (folder / f"beside_{name}.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    forget()
    gymnasium.registry.pop("make_env", None)
    gymnasium.registry.pop("Mine", None)


def forget():
    """Forget the files, as another process that starts elsewhere."""
    for name in [*FINDER.files, "my_own_env", "beside_my_own_env"]:
        sys.modules.pop(name, None)
    FINDER.files.clear()
    for name in ("my_own_env-v0", "make_env", "Mine"):
        gymnasium.registry.pop(name, None)


@pytest.mark.parametrize(
    "env",
    ["my_own_env.py:Mine", "my_own_env.py:make_env", "./envs/my_own_env.py:make_env", "my_own_env.py:my_own_env-v0"],
)
def test_a_file_names_an_environment(home, env):
    env_spec = EnvSpec(env)
    assert env_spec.id == f"my_own_env:{env.rpartition(':')[2]}"
    assert env_spec.single().observation_space.shape == (4,)
    path = home / env.rpartition(":")[0]
    assert env_spec.to_json()["file"] == UserFile.of(path.resolve())._asdict()
    forget()
    assert EnvSpec.from_json(json.loads(json.dumps(env_spec.to_json()))).single().observation_space.shape == (4,)
    PPO(env, num_envs=1, num_steps=16, batch_size=16).learn(16)


@pytest.mark.parametrize("env", ["my_own_env.py:make_env", "my_own_env:my_own_env-v0"])
def test_a_run_finds_its_file_from_anywhere_and_tells_changes(home, env, monkeypatch, capsys, caplog):
    assert main(["train", "ppo", env, *SIZE, *QUIET]) == 0
    run = str(Run.find(home / "runs", "latest").folder)
    elsewhere = home / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "my_own_env.py").write_text("raise RuntimeError('the wrong file')")
    forget()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path not in ("", str(home))])
    caplog.clear()
    assert main(["evaluate", run, "--episodes", "2"]) == 0
    assert not caplog.messages
    assert main(["resume", run, "--steps", "48"]) == 0
    with (home / "my_own_env.py").open("a") as file:
        file.write("# more\n")
    forget()
    assert main(["evaluate", run, "--episodes", "2"]) == 0
    assert any("my_own_env.py has changed since this was trained" in message for message in caplog.messages)
    (home / "my_own_env.py").unlink()
    forget()
    assert main(["evaluate", run, "--episodes", "2"]) == 2
    assert "my_own_env.py is not there any more" in capsys.readouterr().err


def test_files_of_the_standard_librarys_names_are_found(home):
    (home / "random.py").write_text("from gymnasium.envs.classic_control import CartPoleEnv as Mine")
    assert EnvSpec("random.py:Mine").single().observation_space.shape == (4,)


def test_only_ones_own_files_are_recorded():
    assert file_of("CartPole-v1") is None
    assert file_of("gymnasium.envs.classic_control:CartPoleEnv") is None
    assert file_of("json:JSONDecoder") is None


def test_mistakes_get_a_sentence(home):
    with pytest.raises(SandlotError, match=r"there is no file nofile.py"):
        plain_id("nofile.py:Mine")
    with pytest.raises(SandlotError, match="there is no environment 'my_own_env:Nothing'"):
        EnvSpec("my_own_env.py:Nothing").single()
    with pytest.raises(SandlotError, match="must be recorded with its whole path"):
        EnvSpec.from_json({"id": "a:B", "kwargs": {}, "file": {"path": "evil.py", "sha256": ""}})
