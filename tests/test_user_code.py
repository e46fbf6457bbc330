"""Agents, networks, environments, models and tasks that a user wrote, in a folder and a process of their own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sandlot.tracking import Run, read_checkpoint

WRITTEN = Path(__file__).parent / "user_code"
QUIET = "--wandb disabled --seed 1"
SHORT = f"{QUIET} --video-every 0 --evaluation-episodes 4"
SMALL = "--num-steps 32 --batch-size 64 --epochs 1 --steps 600"


@pytest.fixture(autouse=True)
def in_the_folder_of_a_user(tmp_path, monkeypatch):
    for file in WRITTEN.glob("*.py"):
        shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)


def sandlot(*commands, status=0):
    """Run commands in one process that has nothing but site-packages on its path; return what the last one printed."""
    code = f"""import sys
from sandlot.cli import main
for words in {[command.split() for command in commands]}:
    print("\\f", end="")
    status = main(words)
    if status: sys.exit(status)
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=200)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout.split("\f")[-1] if status == 0 else done.stderr


def latest():
    return Run.find(Path("runs"), "latest")


def test_an_agent_is_trained_filmed_evaluated_recorded_and_described():
    agent = "my_agents:CrossEntropyMethod"
    said = sandlot(f"train {agent} CartPole-v1 --steps 20_000 --noise 0.2 --evaluation-episodes 20 {QUIET}")
    run = latest()
    assert run.config["agent"] == agent
    assert run.config["config"] == {"num_envs": 16, "elite": 4, "noise": 0.2}
    assert run.summary["evaluation"]["return"] > 60, said
    assert len(list(run.folder.glob("videos/*.mp4"))) == 2, "the worker process finds the user's module"
    said = sandlot("evaluate latest --episodes 20", "record latest --seconds 1", f"describe {agent} CartPole-v1")
    assert "mean" in said, "its tensors, as it describes nothing itself"


@pytest.mark.slow
def test_an_agent_is_resumed_exactly():
    train = f"train my_agents:CrossEntropyMethod CartPole-v1 --checkpoint-every 2_000 {SHORT} --steps"
    sandlot(f"{train} 4_000")
    resumed = latest()
    sandlot(f"resume latest --step {resumed.checkpoint_steps()[1]} --steps 6_000", f"{train} 6_000")
    ours, theirs = (read_checkpoint(run.checkpoints()[-1]).tensors for run in (resumed, latest()))
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name])


@pytest.mark.slow
def test_a_network_is_named_on_the_command_line_and_loads_again():
    said = sandlot(
        f"train ppo CartPole-v1 --network my_nets:MyEncoder+lstm {SMALL} {SHORT}", "evaluate latest --episodes 4"
    )
    assert latest().config["config"]["network"] == "my_nets:MyEncoder+lstm"
    assert "4 episodes" in said
    said = sandlot("describe ppo CartPole-v1 --network my_nets:wide")
    assert "4 × 48" in said or " 48" in said
    said = sandlot(f"train classifier digits --network my_nets:MyEncoder --epochs 1 {QUIET}", "evaluate latest")
    assert "test accuracy" in said


@pytest.mark.slow
def test_an_environment_is_made_from_the_current_folder():
    said = sandlot(f"train ppo my_env:MyEnv-v0 {SMALL} {QUIET} --evaluation-episodes 4")
    assert len(list(latest().folder.glob("videos/*.mp4"))) == 2, said
    assert "video" in sandlot("evaluate latest --episodes 2", "record latest")


@pytest.mark.slow
def test_a_generative_model_with_a_loss_of_its_own():
    assert "elbo" in sandlot(f"train my_models:MyVAE digits --epochs 1 {QUIET}")
    assert latest().config["task"] == "my_models:MyVAE"
    assert any("square" in line for line in (latest().folder / "metrics.jsonl").read_text().splitlines())
    sandlot("evaluate latest", "sample latest --count 4", "resume latest --steps 20")


@pytest.mark.slow
def test_a_task_of_its_own_is_fitted_and_described():
    rows = "\n".join(f"{i % 7},{i % 3},{2 * (i % 7) - (i % 3)}" for i in range(200))
    Path("data.csv").write_text(f"a,b,y\n{rows}\n")
    said = sandlot(f"train my_tasks:MyTask data.csv --epochs 2 {QUIET}", "evaluate latest")
    assert latest().config["task"] == "my_tasks:MyTask"
    assert "test r2" in said


@pytest.mark.slow
def test_entry_points_give_names():
    metadata = Path("plugin-1.0.dist-info")
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[sandlot.agents]\ncem = my_agents:CrossEntropyMethod\n[sandlot.tasks]\nmy-vae = my_models:MyVAE\n"
        "[sandlot.networks]\nmine = my_nets:MyEncoder\n"
    )
    sandlot(
        f"train cem CartPole-v1 --steps 1_000 {SHORT}",
        f"train my-vae digits --epochs 1 {QUIET}",
        f"train a2c CartPole-v1 --network mine --steps 200 {SHORT}",
        "evaluate latest --episodes 2",
    )
    recorded = sorted(run.name.partition("-s1-")[0] for run in Path("runs").iterdir())
    assert recorded == ["a2c-CartPole-v1", "my_agents-CrossEntropyMethod-CartPole-v1", "my_models-MyVAE-digits"]


@pytest.mark.slow
def test_from_python_a_network_is_a_class_a_factory_or_a_name():
    Path("script.py").write_text(
        """
from functools import partial
from my_nets import MyEncoder, wide
from sandlot import PPO

small = {"num_envs": 4, "num_steps": 32, "batch_size": 64, "epochs": 1}
for network in (MyEncoder, wide, "my_nets:wide", lambda size: wide(size), partial(wide)):
    agent = PPO("CartPole-v1", network=network, **small).learn(200)
    encoder = next(module for module in agent.policy.modules() if isinstance(module, MyEncoder))
    assert encoder.feature_size == (24 if network is MyEncoder else 48)
    print(agent.config.network)
PPO("CartPole-v1", network=MyEncoder, **small).learn(300, run="runs")
"""
    )
    done = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:3] == ["my_nets:MyEncoder", "my_nets:wide", "my_nets:wide"]
    assert json.loads((latest().folder / "config.json").read_text())["config"]["network"] == "my_nets:MyEncoder"
    assert "2 episodes" in sandlot("evaluate latest --episodes 2")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nowhere:Agent", "CartPole-v1"], "there is no module 'nowhere', neither in the current folder nor installed"),
        (["my_agents:Cross", "CartPole-v1"], "the module 'my_agents' has no 'Cross'"),
        (["my_nets:MyEncoder", "CartPole-v1"], "my_nets:MyEncoder is a subclass of Memoryless, and must be a subclass"),
        (["my_agents:with_bias", "CartPole-v1"], "my_agents:with_bias is a function, and must be a subclass"),
        (["my_bad:Half", "CartPole-v1"], "the agent my_bad:Half must define _build, load_tensors, prepare"),
        (["my_bad:NoConfig", "CartPole-v1"], "the agent my_bad:NoConfig needs a Config"),
        (
            ["ppo", "CartPole-v1", "--network", "my_nets:NotAnEncoder"],
            "is a subclass of Linear, and must be a subclass",
        ),
        (["ppo", "CartPole-v1", "--network", "my_nets:makes_none"], "returned a Linear, and must be a subclass of"),
        (["ppo", "CartPole-v1", "--network", "my_net:MyEncoder"], "there is no module 'my_net'"),
        (["ppo", "my_enf:MyEnv-v0"], "there is no module 'my_enf'"),
    ],
)
def test_what_is_not_what_it_should_be_gets_one_sentence(words, sentence, tmp_path, capsys, monkeypatch):
    from sandlot.cli import main

    Path("my_bad.py").write_text(
        "from sandlot.agents import Agent, PPO\nclass Half(Agent): pass\nclass NoConfig(PPO): Config = None\n"
    )
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    before = set(sys.modules)
    assert main(["train", *words, "--steps", "100", *SHORT.split()]) == 2
    for name in set(sys.modules) - before:
        if name.startswith("my_"):
            del sys.modules[name]
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.strip().splitlines()) == 1
    assert not Path("runs").exists()


def test_a_module_that_does_not_import_shows_its_own_traceback():
    Path("my_broken.py").write_text("from my_helper import value\n\nclass Mine: pass\n")
    Path("my_helper.py").write_text("import json\n\nvalue = json.loads('{')\n")
    for words in ("my_broken:Mine CartPole-v1", "ppo my_broken:Mine-v0", "ppo CartPole-v1 --network my_broken:Mine"):
        said = sandlot(f"train {words}", status=2)
        assert said.startswith("sandlot: the module 'my_broken' can't be imported:\n")
        assert 'my_broken.py", line 1' in said
        assert 'my_helper.py", line 3, in <module>' in said
        assert "JSONDecodeError" in said
        assert "importlib" not in said
        assert "decoder.py" not in said
    Path("my_syntax.py").write_text("class Mine(:\n")
    assert 'my_syntax.py", line 1' in sandlot("train my_syntax:Mine CartPole-v1", status=2)
    Path("my_needy.py").write_text("import not_installed_at_all\n")
    said = sandlot("train my_needy:Mine CartPole-v1", status=2)
    assert "ModuleNotFoundError: No module named 'not_installed_at_all'" in said
    assert 'my_needy.py", line 1' in said


def test_a_file_in_the_current_folder_does_not_replace_a_package():
    Path("queue.py").write_text("raise SystemExit('shadowed')\n")
    Path("wandb.py").write_text("raise SystemExit('shadowed')\n")
    words = "--steps 500 --wandb offline --video-every 0 --evaluation-episodes 2"
    sandlot(f"train q-learning FrozenLake-v1 {words}")
    assert latest().wandb["mode"] == "offline"
    assert "error" not in latest().wandb
