"""The house rules of imports: down, never up, never in a circle; and one name for all of it."""

import ast
import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = {"tracking": 0, "envs": 1, "supervised": 1, "generative": 2, "agents": 3, "sandlot": 4}
ONLY_IN_TRACKING = {"wandb", "moviepy"}


def imports(tree, within=""):
    """Yield what a module imports, as module and name: in functions too, but not under `if TYPE_CHECKING`.

    `within` is the package that the module is in, to which relative imports are resolved.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from imports(ast.Module(node.orelse, []), within)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = within.split(".")[: len(within.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((module, alias.name) for alias in node.names)
        else:
            yield from imports(node, within)


def module_name(path):
    """Return the name that an installation gives a file."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    parts = parts if parts[0] == "sandlot" else ["sandlot", *parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def files(package):
    return sorted((ROOT / package).rglob("*.py"))


def imports_of(path):
    name = module_name(path)
    within = name if path.name == "__init__.py" else name.rpartition(".")[0]
    return list(imports(ast.parse(path.read_text()), within))


def graph():
    """Return, for each module of ours, the modules of ours that it imports."""
    modules = {module_name(path): path for package in FLOORS for path in files(package)}
    return {name: edges_of(imports_of(path), modules) - {name} for name, path in modules.items()}


def edges_of(imported, modules):
    found = set()
    for module, name in imported:
        inner = f"{module}.{name}"
        found |= {inner} if inner in modules else {module} if module in modules else set()
    return found


def circles(edges):
    """Return the groups of modules that import each other, whichever way round (Tarjan's components)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(edges[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in edges:
        if node not in index:
            visit(node)
    return found


@pytest.mark.parametrize("package", FLOORS)
def test_imports_go_down(package):
    for path in files(package):
        for name, _ in imports_of(path):
            top, _, rest = name.partition(".")
            floor = rest.partition(".")[0] if top == "sandlot" else top
            if floor in FLOORS and floor != package:
                assert FLOORS[floor] < FLOORS[package], f"{path} imports {name}, which is not below it"
            assert top not in ("benchmarks", "tests"), f"{path} imports {name}"
            assert top not in FLOORS or top == "sandlot", f"{path} imports {name}, which is called sandlot.{name}"
            if package != "tracking":
                assert top not in ONLY_IN_TRACKING, f"{path} imports {name}, which is tracking's"
            assert top not in ("pickle", "cloudpickle", "joblib"), f"{path} imports {name}"


@pytest.mark.parametrize("package", FLOORS)
def test_no_circles(package):
    prefix = "sandlot.cli" if package == "sandlot" else f"sandlot.{package}"
    assert [group for group in circles(graph()) if any(name.startswith(prefix) for name in group)] == []


def test_networks_know_torch_and_nothing_of_ours():
    allowed = ("sandlot.supervised.networks", "sandlot.tracking.common.memory")
    for path in files("supervised/networks"):
        ours = [name for name, _ in imports_of(path) if name.startswith("sandlot")]
        assert all(name.startswith(allowed) for name in ours), path


class TestTheTestItself:
    def test_imports_in_functions_count_and_those_for_type_checkers_do_not(self):
        source = (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import one\nelse:\n    import two\n"
            "def f():\n    from .three import four\n    from .. import five\n"
        )
        found = list(imports(ast.parse(source), "a.b"))
        assert found == [("typing", "TYPE_CHECKING"), ("two", None), ("a.b.three", "four"), ("a", "five")]

    def test_circles_are_found(self):
        assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]
        assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []

    def test_a_name_is_followed_to_its_module(self):
        modules = {"sandlot.envs": None, "sandlot.envs.tree": None}
        assert edges_of([("sandlot.envs", "tree"), ("numpy", "array")], modules) == {"sandlot.envs.tree"}
        assert edges_of([("sandlot.envs", "EnvSpec")], modules) == {"sandlot.envs"}


def test_one_name_is_installed_and_every_package_is_listed():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    there = {module_name(path) for package in FLOORS for path in files(package) if path.name == "__init__.py"}
    assert set(settings["packages"]) == there
    assert len(settings["packages"]) == len(there), "some are listed twice"
    folders = {"sandlot" if package == "sandlot" else f"sandlot.{package}": package for package in FLOORS}
    assert settings["package-dir"] == folders


@pytest.mark.parametrize("package", FLOORS)
def test_public_names_are_there(package):
    module = importlib.import_module("sandlot" if package == "sandlot" else f"sandlot.{package}")
    for name in getattr(module, "__all__", getattr(module, "EXPORTS", [])):
        assert getattr(module, name) is not None


@pytest.mark.parametrize("package", ["sandlot", "agents", "agents/callbacks"])
def test_type_checkers_know_the_public_names(package):
    path = ROOT / package / "__init__.py"
    blocks = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.If)]
    told = {alias.asname for block in blocks for node in block.body for alias in node.names}
    module = importlib.import_module(module_name(path))
    assert all(getattr(module, name) is not None for name in told)
    assert told >= set(getattr(module, "EXPORTS", getattr(module, "MODULES", [])))


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import sandlot.cli; sandlot.cli.main(['--help'])", ["torch", "gymnasium", "wandb", "matplotlib"]),
        ("import sandlot.cli; sandlot.cli.main(['train'])", ["torch", "stable_baselines3"]),
        ("import sandlot.agents", ["torch"]),
        (
            "import sandlot.agents.films; from sandlot import QLearning; QLearning('Taxi-v4').learn(2000)",
            ["torch", "matplotlib", "rich"],
        ),
        ("import sandlot.tracking", ["torch", "wandb", "matplotlib"]),
        ("import sandlot.agents.policy.ppo", ["torch._dynamo", "wandb", "matplotlib", "moviepy"]),
    ],
)
def test_heavy_imports_wait_until_they_are_needed(code, absent):
    check = f"{code}\nimport sys\nprint([name for name in {absent} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, cwd=ROOT)
    assert said.stdout.splitlines()[-1] == "[]", said.stdout + said.stderr
