"""Third-party environments as their users have them: made, trained, evaluated, filmed, resumed, returns checked.

    python -m benchmarks.environments --venv /tmp/environments --install | tee benchmarks/results/environments.txt
    python -m benchmarks.environments --venv /tmp/environments --only minigrid

`--install` makes a virtual environment of its own, which sees the packages of this one, and installs what the rows
need. Each row runs in a process of its own: 600 env steps of training by the command line, an evaluation, a film,
and the run resumed for 300 more. A film counts if its frames have more than one colour and are not all the same. The
returns of an evaluation are held against the sum of what the unwrapped environment gave to the same actions in a
loop of Gymnasium's.
"""

import argparse
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.statistics import machine

COLUMNS = ("made", "trained", "evaluated", "filmed", "resumed", "returns")
STEPS, MORE = 600, 300
TIMEOUT = 240


class Row(NamedTuple):
    """An environment to try."""

    package: str
    """What pip installs; empty for what Sandlot's own extras have."""
    env: str
    agent: str = "ppo"
    options: tuple[str, ...] = ()


SMALL = ("--hidden", "16")
WEIGHTS = ("--reward-weights", "0.5", "0.5")
ROWS = [
    Row("", "CartPole-v1"),
    Row("", "LunarLander-v3"),
    Row("", "BipedalWalker-v3"),
    Row("", "CarRacing-v3", options=("--env-kwargs", '{"continuous": false}', "--grey", "--resize", "48")),
    Row("", "Blackjack-v1"),
    Row("", "FrozenLake-v1", "q-learning"),
    Row("", "ALE/Breakout-v5"),
    Row("", "pettingzoo/connect_four_v3"),
    Row("", "pettingzoo/rps_v2"),
    Row("", "mpe2/simple_spread_v3"),
    Row("", "pettingzoo/multiwalker_v9"),
    Row("", "pettingzoo.classic:tictactoe_v3"),
    Row("", "popgym:popgym-RepeatPreviousEasy-v0"),
    Row("flax jax", "tabular/Blackjack-v0"),
    Row("flax jax", "tabular/CliffWalking-v0"),
    Row("flax jax", "phys2d/CartPole-v1"),
    Row("flax jax", "phys2d/Pendulum-v0"),
    Row("minigrid", "minigrid:MiniGrid-Empty-5x5-v0"),
    Row("minigrid", "MiniGrid-DoorKey-5x5-v0"),
    Row("minigrid", "MiniGrid-GoToDoor-5x5-v0"),
    Row("minigrid", "MiniGrid-FourRooms-v0", options=("--wrapper", "minigrid.wrappers:ImgObsWrapper")),
    Row("minigrid", "minigrid:BabyAI-GoToObj-v0"),
    Row("minigrid", "MiniGrid-Fetch-5x5-N2-v0", options=("--wrapper", "minigrid.wrappers:ViewSizeWrapper",
                                                        '{"agent_view_size": 5}')),
    Row("MinAtar", "MinAtar/Breakout-v1", "dqn"),
    Row("MinAtar", "MinAtar/Asterix-v1", "dqn"),
    Row("MinAtar", "MinAtar/Freeway-v1"),
    Row("MinAtar", "MinAtar/Seaquest-v1"),
    Row("MinAtar", "MinAtar/SpaceInvaders-v1"),
    Row("highway-env", "highway_env:highway-fast-v0", "dqn"),
    Row("highway-env", "highway_env:parking-v0", "sac"),
    Row("highway-env", "highway_env:roundabout-v0"),
    Row("highway-env", "highway_env:racetrack-v0"),
    Row("mo-gymnasium", "mo_gymnasium:mo-mountaincar-v0",
        options=("--reward-weights", "0.4", "0.3", "0.3")),
    Row("mo-gymnasium", "mo_gymnasium:deep-sea-treasure-v0", options=WEIGHTS),
    Row("mo-gymnasium", "mo-lunar-lander-v3", options=("--reward-weights", "1", "1", "1", "1")),
    Row("mo-gymnasium", "mo_gymnasium:resource-gathering-v0", options=("--reward-weights", "1", "1", "1")),
    Row("flappy-bird-gymnasium", "FlappyBird-v0", "dqn"),
    Row("lbforaging", "lbforaging:Foraging-8x8-2p-1f-v3"),
    Row("rware", "rware:rware-tiny-2ag-v2"),
    Row("gym-pusht", "gym_pusht:gym_pusht/PushT-v0"),
    Row("crafter gym shimmy", "crafter:CrafterReward-v1"),
    Row("panda-gym", "panda_gym:PandaReach-v3", "sac"),
    Row("panda-gym", "panda_gym:PandaPush-v3", "sac"),
    Row("gymnasium-robotics", "gymnasium_robotics:FetchReach-v4", "sac"),
    Row("gymnasium-robotics", "gymnasium_robotics:PointMaze_UMaze-v3", "sac"),
    Row("mujoco", "HalfCheetah-v5", "sac"),
    Row("mujoco", "Humanoid-v5"),
    Row("gym-anytrading", "gym_anytrading:stocks-v0"),
    Row("gym-anytrading", "gym_anytrading:forex-v0"),
    Row("tetris-gymnasium", "tetris_gymnasium.envs:tetris_gymnasium/Tetris"),
    Row("pogema", "pogema:Pogema-v0"),
    Row("miniworld", "miniworld:MiniWorld-OneRoom-v0"),
]  # fmt: skip


def check(row: Row) -> dict[str, str]:
    """Try one row; return "yes" for each column that is right, and what is wrong with the first that isn't."""
    found: dict[str, str] = {}
    steps: list[tuple[str, Callable[[], object]]] = [
        ("made", lambda: made(row)),
        ("trained", lambda: train(row)),
        ("evaluated", lambda: command("evaluate", "latest", "--episodes", "3", "--evaluation-seconds", "20")),
        ("filmed", film),
        ("returns", returns),
        ("resumed", lambda: command("resume", "latest", "--steps", str(STEPS + MORE))),
    ]
    for name, step in steps:
        try:
            step()
            found[name] = "yes"
        except BaseException as error:
            found[name] = "no"
            found.setdefault("reason", f"{name}: {type(error).__name__}: {error}".replace("\n", " ")[:220])
            if name in ("made", "trained"):
                break
    return found


def command(*words: str) -> str:
    """Run a command of Sandlot's in this process and return what it printed."""
    from sandlot.cli import main

    printed, said = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said):
        status = main(list(words))
    if status:
        raise RuntimeError(said.getvalue().strip() or f"status {status}")
    return printed.getvalue()


def made(row: Row) -> None:
    """Make one copy and reset it."""
    from sandlot.agents.registry import agent_class
    from sandlot.cli.train_agent import parse

    *_, env_spec = parse(row.agent, agent_class(row.agent).Config, [row.env, *row.options])
    env = env_spec.single()
    env.reset(seed=0)
    env.close()


def train(row: Row) -> None:
    """Train for a little while."""
    tabular = row.agent == "q-learning"
    quick = () if tabular else ("--num-envs", "2", *SMALL)
    if row.agent == "ppo":
        quick += ("--num-steps", "64", "--batch-size", "64", "--epochs", "1")
    if row.agent in ("dqn", "sac"):
        quick += ("--learning-starts", "100", "--buffer-size", "2000")
    command("train", row.agent, row.env, *row.options, *quick, "--steps", str(STEPS), "--video-every", "0",
            "--evaluation-episodes", "2", "--evaluation-seconds", "20", "--checkpoint-every", "300",
            "--wandb", "disabled")  # fmt: skip


def film() -> None:
    """Film two seconds, and look at them."""
    printed = command("record", "latest", "--seconds", "2", "--stochastic")
    if (but := re.search(r"^but +(.*)$", printed, re.MULTILINE)) is not None:
        raise RuntimeError(but[1])


def returns() -> None:
    """Hold an evaluation's return against the rewards that the unwrapped environment gave."""
    from sandlot.agents.evaluation import evaluate
    from sandlot.agents.loading import load_agent
    from sandlot.agents.multi_agent import env_spec_of
    from sandlot.envs.games import is_game
    from sandlot.tracking import Run

    run = Run.find(Path("runs"), "latest")
    env_spec, agent = env_spec_of(run.config["env"]), load_agent(run)
    if is_game(env_spec.id):
        return
    env, given = env_spec.single(), []
    inner, weights = env.unwrapped, env_spec.resolved_wrappers.reward_weights
    step = inner.step

    def watched(action: Any) -> Any:
        result = step(action)
        reward = np.atleast_1d(np.asarray(result[1], float))
        given.append(float(reward @ np.array(weights) if weights else reward.sum()))
        return result

    inner.step = watched  # pyright: ignore[reportAttributeAccessIssue]
    observation, _ = env.reset(seed=10_000)
    given.clear()
    memory, over, start = None, False, True
    while not over and len(given) < 2000:
        batch = _batch(observation)
        action, memory = agent.select_action(batch, memory, np.array([start]), True)
        observation, _, terminated, truncated, _ = env.step(action[0])
        start, over = False, bool(terminated or truncated)
    if not over:
        return
    # Vector environments with random numbers of their own start elsewhere than the single ones.
    batch = env_spec.batch(1, exact=True)
    batch.close()
    same_start = batch.backend in ("sync", "async")
    found = evaluate(agent, env_spec if same_start else env_spec.single(), episodes=1).mean
    if not np.isclose(found, sum(given), rtol=1e-4, atol=1e-4):
        raise RuntimeError(f"evaluation {found}, loop {sum(given)}")


def _batch(observation: Any) -> Any:
    from sandlot.envs import tree_map

    return tree_map(lambda leaf: np.asarray(leaf)[None], observation)


def run_row(row: Row, python: str) -> dict[str, str]:
    """Try a row in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        call = [python, "-m", "benchmarks.environments", "--row", json.dumps(row)]
        try:
            done = subprocess.run(call, cwd=folder, env=env, capture_output=True, text=True, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            return {"reason": f"took more than {TIMEOUT} s"}
        last = next((line for line in reversed(done.stdout.splitlines()) if line.startswith("{")), None)
        if last is None:
            return {"reason": f"ended with {done.returncode}: {done.stderr.strip()[-200:]}".replace("\n", " ")}
        return json.loads(last)


def install(folder: Path, packages: list[str]) -> None:
    """Make a virtual environment that sees this one's packages, and install `packages` there."""
    if not (folder / "bin" / "python").exists():
        venv.create(folder, with_pip=False)
        (site,) = folder.glob("lib/python*/site-packages")
        ours = dict.fromkeys([sysconfig.get_path("purelib"), *(p for p in sys.path if p.endswith("site-packages"))])
        (site / "base.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in ours))
    for package in packages:
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--no-input", *package.split()]
        done = subprocess.run(pip, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{package}: not installed: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)


def versions(folder: Path, packages: list[str]) -> str:
    """Return the versions of `packages` in the virtual environment."""
    (site,) = folder.glob("lib/python*/site-packages")
    known = {found.name.lower().replace("_", "-"): found.version for found in metadata.distributions(path=[str(site)])}
    words = dict.fromkeys(word for package in packages for word in package.split())
    return ", ".join(f"{word} {known.get(word.lower(), '(not installed)')}" for word in words)


def main() -> None:
    """Try the rows that the command line names, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--venv", type=Path, default=Path("environments-venv"))
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--only", default="", help="rows whose package or id has this")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row:
        print("\n" + json.dumps(check(Row(*json.loads(options.row)))))
        return
    rows = [row for row in ROWS if options.only.lower() in f"{row.package} {row.env}".lower()]
    packages = list(dict.fromkeys(row.package for row in rows if row.package))
    if options.install:
        install(options.venv, packages)
    print(machine("gymnasium", "pettingzoo", "torch", "numpy"))
    print(versions(options.venv, packages))
    width = max(len(row.env) for row in rows)
    print(f"{'environment':{width}}  agent       " + "  ".join(f"{name:9}" for name in COLUMNS) + "  reason")
    right = 0
    for row in rows:
        found = run_row(row, str(options.venv / "bin" / "python"))
        right += all(found.get(name) == "yes" for name in COLUMNS)
        cells = "  ".join(f"{found.get(name, '-'):9}" for name in COLUMNS)
        print(f"{row.env:{width}}  {row.agent:10}  {cells}  {found.get('reason', '')}".rstrip(), flush=True)
    print(f"{right} of {len(rows)} right")


if __name__ == "__main__":
    main()
