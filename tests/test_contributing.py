"""What CONTRIBUTING.md says under "To add …" is done to a copy of the sources, and works."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("agents", "envs", "generative", "supervised", "tracking")
SHORT = "--wandb disabled --video-every 0 --evaluation-episodes 2"


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """A copy of the sources, as an installation has them; commands run in the folder above it."""
    quiet = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "sandlot", tmp_path / "sandlot", ignore=quiet)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / "sandlot" / package, ignore=quiet)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return tmp_path / "sandlot"


def sandlot(*commands):
    code = f"from sandlot.cli import main\nfor words in {list(commands)}:\n    assert main(words.split()) == 0"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def add_line(file, after, line):
    text = file.read_text()
    assert text.count(after) == 1, f"{file} has changed"
    file.write_text(text.replace(after, f"{after}\n{line}"))


@pytest.mark.slow
def test_an_agent_is_a_file_and_a_line(sources):
    written = (ROOT / "tests/user_code/my_agents.py").read_text()
    named = written.replace("    Config = Cross", '    name = "cem"\n    Config = Cross')
    (sources / "agents/cem.py").write_text(named)
    add_line(
        sources / "agents/__init__.py",
        "AGENTS: dict[str, tuple[str, str]] = {",
        '    "cem": ("cem:CrossEntropyMethod", "cross-entropy method"),',
    )
    (sources / "agents/recipes/cem.toml").write_text('["CartPole-v1"]\nsteps = 1_000\nelite = 3\n')
    said = sandlot(
        "train", f"train cem CartPole-v1 {SHORT}", "evaluate latest --episodes 2", "describe cem CartPole-v1"
    )
    assert "cross-entropy method" in said
    assert "cem after 1,0" in said, "the recipe's steps"
    code = "from sandlot import CrossEntropyMethod; print(CrossEntropyMethod('CartPole-v1').config.elite)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "3\n"


@pytest.mark.slow
def test_a_network_is_a_file_and_a_line(sources):
    written = (ROOT / "tests/user_code/my_nets.py").read_text()
    ours = written.replace("from sandlot.supervised.networks import", "from .encoder import")
    (sources / "supervised/networks/mine.py").write_text(ours)
    builder = sources / "supervised/encoder_builder.py"
    add_line(builder, "from sandlot.tracking.common import extensions", "from .networks.mine import MyEncoder")
    text = builder.read_text()
    builder.write_text(
        text.replace(
            "ENCODERS: dict[str, type[Encoder]] = {", 'ENCODERS: dict[str, type[Encoder]] = {"mine": MyEncoder, '
        )
    )
    small = "--num-steps 32 --batch-size 64 --epochs 1 --steps 300"
    said = sandlot(f"train ppo CartPole-v1 --network mine+gru {small} {SHORT}", "evaluate latest --episodes 2",
                   "describe ppo CartPole-v1 --network mine")  # fmt: skip
    assert "2 episodes" in said
    assert " 24" in said
