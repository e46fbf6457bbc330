"""Sandlot on one GPU beside Stable-Baselines3 on the same card, at equal hyperparameters.

    python -m benchmarks.gpu | tee benchmarks/results/gpu.txt
    python -m benchmarks.gpu sac dqn

Every job is a process of its own with a time limit, and its line is printed at once. Speeds are env steps (or
images) a second after a warm-up, which is not counted; "graphs" are gradient steps as CUDA graphs.
"""

import argparse
import importlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SECONDS = 75
"""Limit of one job."""
OFF_POLICY = {"learning_starts": 100, "buffer_size": 50_000}
AGENTS: dict[str, dict[str, Any]] = {
    "ppo": {
        "env": "CartPole-v1", "steps": 30_000, "warm_up": 2_000, "class": "PPO",
        "ours": {"num_envs": 8, "num_steps": 32, "batch_size": 256, "epochs": 20, "gae_lambda": 0.8, "gamma": 0.98,
                 "learning_rate": 1e-3},
        "theirs": {"n_steps": 32, "batch_size": 256, "n_epochs": 20, "gae_lambda": 0.8, "gamma": 0.98,
                   "learning_rate": 1e-3},
        "num_envs": 8,
    },
    "dqn": {
        "env": "CartPole-v1", "steps": 8_000, "warm_up": 1_500, "class": "DQN",
        "ours": {"learning_rate": 2.3e-3, "train_freq": 256, "gradient_steps": 128, "target_update_interval": 10,
                 "hidden": (256, 256), "batch_size": 64, "learning_starts": 1_000},
        "theirs": {"learning_rate": 2.3e-3, "train_freq": 256, "gradient_steps": 128, "target_update_interval": 10,
                   "policy_kwargs": {"net_arch": [256, 256]}, "batch_size": 64, "learning_starts": 1_000,
                   "buffer_size": 100_000},
        "num_envs": 1,
    },
    "sac": {
        "env": "Pendulum-v1", "steps": 2_500, "warm_up": 400, "class": "SAC", "ours": OFF_POLICY, "theirs": OFF_POLICY,
        "num_envs": 1,
    },
    "td3": {
        "env": "Pendulum-v1", "steps": 2_500, "warm_up": 400, "class": "TD3",
        "ours": {**OFF_POLICY, "exploration_noise": 0.0}, "theirs": OFF_POLICY, "num_envs": 1,
    },
    "lstm": {
        "env": "CartPole-v1", "steps": 8_000, "warm_up": 1_100, "class": "PPO",
        "ours": {"num_envs": 8, "num_steps": 128, "batch_size": 256, "epochs": 10, "network": "lstm",
                 "memory_size": 256, "sequence_length": 32},
        "theirs": {"n_steps": 128, "batch_size": 256, "n_epochs": 10}, "num_envs": 8, "peer": "RecurrentPPO",
    },
    "pong": {
        "env": "ALE/Pong-v5", "steps": 8_000, "warm_up": 1_100, "class": "PPO",
        "ours": {"num_envs": 8, "num_steps": 128, "batch_size": 256, "epochs": 4},
        "theirs": {"n_steps": 128, "batch_size": 256, "n_epochs": 4}, "num_envs": 8, "needs": "ale_py",
    },
}  # fmt: skip
WAYS = {
    "graphs": {"device": "cuda", "cuda_graphs": "auto", "compile": "off"},
    "eager": {"device": "cuda", "cuda_graphs": "off", "compile": "off"},
    "cpu": {"device": "cpu", "compile": "off"},
}


def main() -> None:
    """Run the sections that the command line names, or all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sections", nargs="*", help=f"among {', '.join([*AGENTS, 'classifier', 'tensor'])}")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="limit of one job")
    options = parser.parse_args()
    if options.job:
        print(json.dumps(JOBS[options.job.split()[0]](*options.job.split()[1:])))
        return
    import torch

    card = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no GPU: nothing to compare"
    print(f"{card}, torch {torch.__version__}, Python {sys.version.split()[0]}, {os.cpu_count()} CPU cores", flush=True)
    if not torch.cuda.is_available():
        return
    for section in options.sections or [*AGENTS, "classifier"]:
        ways = ("sandlot", "bare") if section == "classifier" else (*WAYS, "sb3")
        speeds: dict[str, float] = {}
        for way in ways:
            said = run(f"{'images' if section == 'classifier' else 'agent'} {section} {way}", options.seconds)
            if "speed" in said:
                speeds[way] = said["speed"]
            print(f"{section:10} {way:8} {describe(said)}", flush=True)
        ours, peer = speeds.get(ways[0]), speeds.get(ways[-1])
        if ours and peer:
            print(f"{section:10} ratio    {ours / peer:.2f}", flush=True)


def describe(said: dict[str, Any]) -> str:
    """Return a job's figures, or its reason for having none."""
    if "speed" not in said:
        return said["skipped"]
    return f"{said['speed']:>10,.0f} a second, {said.get('megabytes', 0):,.0f} MB on the card at most"


def run(job: str, seconds: int) -> dict[str, Any]:
    """Return what a process of its own prints for `job`, or why it printed nothing."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    command = [sys.executable, "-m", "benchmarks.gpu", "--job", job]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, env=environment, cwd=ROOT)
    except subprocess.TimeoutExpired:
        return {"skipped": f"not done within {seconds} s"}
    if done.returncode:
        return {"skipped": "skipped: " + (done.stderr.strip().splitlines() or ["no reason told"])[-1][:300]}
    return json.loads(done.stdout.splitlines()[-1])


def agent(section: str, way: str) -> dict[str, Any]:
    """Train one agent, after a warm-up, and return its env steps a second."""
    import torch

    case = AGENTS[section]
    if case.get("needs") and importlib.util.find_spec(case["needs"]) is None:
        return {"skipped": f"skipped: {case['needs']} is not installed"}
    if way == "sb3":
        return _sb3(case)
    find_sandlot()
    agents = importlib.import_module("sandlot.agents")
    ours = getattr(agents, case["class"])(case["env"], seed=1, **{**case["ours"], **WAYS[way]})
    ours.learn(case["warm_up"])
    torch.cuda.synchronize()
    first, begin = ours.env_step, time.perf_counter()
    ours.learn(until=case["steps"])
    torch.cuda.synchronize()
    return figures((ours.env_step - first) / (time.perf_counter() - begin))


def _sb3(case: dict[str, Any]) -> dict[str, Any]:
    package = "sb3_contrib" if "peer" in case else "stable_baselines3"
    if importlib.util.find_spec(package) is None:
        return {"skipped": f"skipped: {package} is not installed"}
    import stable_baselines3
    import torch
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_atari_env, make_vec_env
    from stable_baselines3.common.vec_env import VecFrameStack

    pixels = case["env"].startswith("ALE/")
    if pixels:
        importlib.import_module("ale_py")
        env: Any = VecFrameStack(make_atari_env("PongNoFrameskip-v4", case["num_envs"], seed=0), 4)
    else:
        env = make_vec_env(case["env"], case["num_envs"], seed=0)
    kind = getattr(importlib.import_module(package), case.get("peer", case["class"]))
    policy = "MlpLstmPolicy" if "peer" in case else "CnnPolicy" if pixels else "MlpPolicy"
    model = kind(policy, env, seed=1, device="cuda", **case["theirs"])
    assert stable_baselines3

    class Clock(BaseCallback):
        begin = 0.0
        first = 0

        def _on_step(self) -> bool:
            if not self.begin and self.num_timesteps >= case["warm_up"]:
                torch.cuda.synchronize()
                self.begin, self.first = time.perf_counter(), self.num_timesteps
            return True

    clock = Clock()
    model.learn(case["steps"], callback=clock)
    torch.cuda.synchronize()
    return figures((model.num_timesteps - clock.first) / (time.perf_counter() - clock.begin))


def images(_: str, way: str) -> dict[str, Any]:
    """Return the images a second that a small CNN learns from: by the Learner, or by a bare eager loop."""
    import torch
    import torch.nn.functional as F
    from torch import nn

    find_sandlot()
    from sandlot.supervised import Learner, LearnerConfig

    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128 * 49, 10),
    ).cuda()  # fmt: skip
    data, labels = torch.rand(10_000, 1, 28, 28, device="cuda"), torch.randint(10, (10_000,), device="cuda")
    batch, steps = 128, 600

    def loss(module: Any, rows: Any) -> tuple[Any, dict[str, Any]]:
        value = F.cross_entropy(module(rows[0]), rows[1])
        return value, {"loss": value.detach()}

    if way == "sandlot":
        learner = Learner(module, loss, LearnerConfig(device="cuda", precision="float32", max_grad_norm=0.0))

        def step(rows: Any) -> Any:
            learner.step(rows)
    else:
        optimizer = torch.optim.Adam(module.parameters(), lr=3e-4)

        def step(rows: Any) -> Any:
            optimizer.zero_grad()
            value, _ = loss(module, rows)
            value.backward()
            optimizer.step()

    def epoch(count: int) -> None:
        for index in range(count):
            first = index * batch % (10_000 - batch)
            step((data[first : first + batch], labels[first : first + batch]))
        torch.cuda.synchronize()

    epoch(30)
    begin = time.perf_counter()
    epoch(steps)
    return figures(steps * batch / (time.perf_counter() - begin))


def figures(speed: float) -> dict[str, Any]:
    """Return a job's figures."""
    import torch

    return {"speed": speed, "megabytes": torch.cuda.max_memory_allocated() / 2**20}


def find_sandlot() -> None:
    """Let `sandlot` be imported from a checkout that is not installed."""
    import sandlot

    if importlib.util.find_spec("sandlot.agents") is None:
        sandlot.__path__.append(str(ROOT))


JOBS = {"agent": agent, "images": images}

if __name__ == "__main__":
    main()
