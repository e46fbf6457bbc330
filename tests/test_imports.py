import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = {"tracking": 0, "envs": 1, "supervised": 1, "generative": 2, "agents": 3, "sandlot": 4}
ONLY_IN_TRACKING = {"wandb", "moviepy"}


def imports(path):
    """Yield the top-level names that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def files(package):
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", FLOORS)
def test_imports_go_down(package):
    for path in files(package):
        for name in imports(path):
            top = name.split(".")[0]
            floor = (name.removeprefix("sandlot.").split(".")[0] if name.count(".") else "") if top == "sandlot" else ""
            floor = floor if floor in FLOORS else top
            if floor in FLOORS and floor != package:
                assert FLOORS[floor] < FLOORS[package], f"{path} imports {name}, which is not below it"
            assert top not in ("benchmarks", "tests"), f"{path} imports {name}"
            if package != "tracking":
                assert top not in ONLY_IN_TRACKING, f"{path} imports {name}, which is tracking's"
            assert top not in ("pickle", "cloudpickle", "joblib"), f"{path} imports {name}"


def test_networks_know_torch_and_nothing_of_ours():
    for path in files("supervised/networks"):
        ours = [name for name in imports(path) if name.startswith("sandlot")]
        assert all(name.startswith("sandlot.supervised.networks") for name in ours), path


def test_the_test_notices_a_breach(tmp_path):
    (tmp_path / "bad.py").write_text("def f():\n    from sandlot.agents import PPO\n")
    assert list(imports(tmp_path / "bad.py")) == ["sandlot.agents"]


@pytest.mark.parametrize("package", FLOORS)
def test_public_names_are_there(package):
    module = importlib.import_module("sandlot" if package == "sandlot" else f"sandlot.{package}")
    for name in getattr(module, "__all__", []):
        assert getattr(module, name) is not None


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import sandlot.cli; sandlot.cli.main(['--help'])", ["torch", "gymnasium", "wandb", "matplotlib"]),
        ("import sandlot.cli; sandlot.cli.main(['train'])", ["torch", "stable_baselines3"]),
        ("import sandlot.agents", ["torch"]),
        (
            "import sandlot.agents.films; from sandlot.agents import QLearning; QLearning('Taxi-v4').learn(2000)",
            ["torch", "matplotlib"],
        ),
        ("import sandlot.tracking", ["torch", "wandb", "matplotlib"]),
        ("import sandlot.agents.policy.ppo", ["torch._dynamo", "wandb", "matplotlib", "moviepy"]),
    ],
)
def test_heavy_imports_wait_until_they_are_needed(code, absent):
    check = f"{code}\nimport sys\nprint([name for name in {absent} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, cwd=ROOT)
    assert said.stdout.splitlines()[-1] == "[]", said.stdout + said.stderr
