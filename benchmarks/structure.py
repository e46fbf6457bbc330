"""How the code is built: files to follow a gradient step, class depth, import circles, `Any`, lines.

    python -m benchmarks.structure
    python -m benchmarks.structure --tree OTHER_CHECKOUT    # with that checkout first on PYTHONPATH

A step is followed by watching which of the project's files run while an agent takes one. What lies below the
algorithm is left out, as a reader may take it for granted: layers, encoders, spaces, environments, the record, and
the optimizer's arithmetic.
"""

import argparse
import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

FOLDERS = ("agents", "envs", "generative", "sandlot", "supervised", "tracking")
BELOW = (
    "envs/", "tracking/", "networks/", "spaces/", "optimizers", "flat", "schedules", "components", "device", "polyak.",
    "storage", "stores", "parts.", "observations", "actions", "encoders", "states.", "state_index", "allocator",
    "exploration", "planning", "network_agent", "training", "base.py", "agent.py", "reader", "distributions",
)  # fmt: skip
"""What a reader of an algorithm takes for granted; the last few are only named here where they hold no update."""
STEPS: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "ppo": ("PPO", "CartPole-v1", {"num_envs": 2, "num_steps": 8, "batch_size": 8, "epochs": 1}, 32),
    "a2c": ("A2C", "CartPole-v1", {"num_envs": 2}, 32),
    "reinforce": ("REINFORCE", "CartPole-v1", {"num_envs": 2, "batch_size": 8}, 128),
    "dqn": ("DQN", "CartPole-v1", {"learning_starts": 16, "batch_size": 8, "buffer_size": 400, "train_freq": 4}, 64),
    "sac": ("SAC", "Pendulum-v1", {"learning_starts": 16, "batch_size": 8, "buffer_size": 400, "hidden": (8,)}, 40),
    "td3": ("TD3", "Pendulum-v1", {"learning_starts": 16, "batch_size": 8, "buffer_size": 400, "hidden": (8,)}, 40),
    "ddpg": ("DDPG", "Pendulum-v1", {"learning_starts": 16, "batch_size": 8, "buffer_size": 400, "hidden": (8,)}, 40),
    "q-learning": ("QLearning", "FrozenLake-v1", {"num_envs": 2}, 32),
    "double-q-learning": ("DoubleQLearning", "FrozenLake-v1", {"num_envs": 2}, 32),
    "sarsa": ("Sarsa", "FrozenLake-v1", {"num_envs": 2}, 32),
    "expected-sarsa": ("ExpectedSarsa", "FrozenLake-v1", {"num_envs": 2}, 32),
}
"""For each algorithm: its class, an environment, options and env steps in which it learns."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tree", type=Path, default=Path(__file__).parent.parent, help="checkout to look at")
    tree: Path = parser.parse_args().tree.resolve()
    agents = importlib.import_module("sandlot.agents" if (tree / "agents/policy").is_dir() else "agents")
    for name, (kind, env, options, steps) in STEPS.items():
        agent = getattr(agents, kind)(env, seed=0, **options)
        files = sorted(followed(agent, steps, tree))
        print(f"{name:18} {len(files)} files, {depth(type(agent), tree)} classes deep: {', '.join(files)}")
    sources = [path for folder in FOLDERS for path in sorted((tree / folder).rglob("*.py"))]
    lines = {path: len(path.read_text().splitlines()) for path in sources}
    longest = max(lines, key=lambda path: lines[path])
    print(f"files {len(sources)}, lines {sum(lines.values())}, longest {longest.relative_to(tree)} ({lines[longest]})")
    texts = [path.read_text() for path in sources]
    print(f"lines with `Any` {sum(map(count_any, sources))}")
    print(f"pyright ignores {sum(text.count('pyright: ignore') for text in texts)}")
    print(f"object.__setattr__ {sum(text.count('object.__setattr__') for text in texts)}")
    found = circles(sources, tree)
    print(f"import circles {len(found)}: {'; '.join(' '.join(sorted(circle)) for circle in found) or 'none'}")


def followed(agent: Any, steps: int, tree: Path) -> set[str]:
    """Return the files that run while an agent observes, and learns."""
    seen: set[str] = set()
    observe = agent.observe

    def watch(frame: FrameType, event: str, _: Any) -> None:
        name = frame.f_code.co_filename
        if event == "call" and name.startswith(str(tree)) and not frame.f_code.co_name.startswith("<"):
            seen.add(name.removeprefix(f"{tree}/"))

    def watched(step: Any) -> Any:
        sys.setprofile(watch)
        try:
            return observe(step)
        finally:
            sys.setprofile(None)

    agent.observe = watched
    agent.learn(steps)
    ours = {name for name in seen if name.startswith(FOLDERS)}
    return {name for name in ours if _holds_update(name) or not any(part in name for part in BELOW)}


def _holds_update(name: str) -> bool:
    """Return whether a file that BELOW would leave out is where an algorithm's update stands."""
    return name in ("agents/tabular.py", "agents/tabular/agent.py", "agents/continuous.py")


def depth(kind: type, tree: Path) -> int:
    """Return how many classes of the project a class is made of, one above the other."""

    def ours(one: type) -> bool:
        file = getattr(sys.modules.get(one.__module__), "__file__", None) or ""
        return file.startswith(str(tree))

    return 1 + max((depth(parent, tree) for parent in kind.__bases__ if ours(parent)), default=0)


def count_any(path: Path) -> int:
    """Return the number of lines with an annotation `Any`."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return len({node.lineno for node in nodes if isinstance(node, ast.Name) and node.id == "Any"})


def circles(sources: list[Path], tree: Path) -> list[set[str]]:
    """Return the groups of modules that import each other, inside functions too, but not for type checkers alone."""
    names = {_module(path, tree): path for path in sources}
    graph = {name: {found for found in _imports(path, name) if found in names} - {name} for name, path in names.items()}
    reach = {name: _reachable(name, graph) for name in graph}
    groups: list[set[str]] = []
    for name in graph:
        group = {other for other in reach[name] if name in reach[other]}
        if name in reach[name] and group not in groups:
            groups.append(group)
    return groups


def _reachable(name: str, graph: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(graph[name])
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += graph[one]
    return found


def _module(path: Path, tree: Path) -> str:
    parts = list(path.relative_to(tree).with_suffix("").parts)
    return ".".join(parts)


def _imports(path: Path, name: str) -> Iterator[str]:
    """Yield the modules of ours that a file imports; packages' faces, which only pass names on, are left out."""
    body = ast.parse(path.read_text())
    skipped = {
        id(inner)
        for node in ast.walk(body)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    package = name.split(".")[:-1]
    for node in ast.walk(body):
        if isinstance(node, ast.ImportFrom) and id(node) not in skipped:
            base = package[: len(package) - node.level + 1] if node.level else []
            target = [*base, *(node.module or "").removeprefix("sandlot.").split(".")]
            target = [part for part in target if part]
            yield ".".join(target)
            yield from (".".join([*target, alias.name]) for alias in node.names)


if __name__ == "__main__":
    main()
