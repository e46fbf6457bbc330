"""LSTM-PPO beside sb3-contrib's RecurrentPPO, and what memory solves that an MLP can't.

    python -m benchmarks.memory_vs_peers | tee benchmarks/results/memory_vs_peers.txt

Speed: CartPole with hidden velocities at equal hyperparameters and equal networks (an LSTM of 64, then two
layers of 64, for policy and value apart), each training a process of its own on one thread, in turn. Beside them
ours with one LSTM for policy and value, and with no memory.
Returns: our memory environments and one of POPGym's, by their recipes.
"""

import importlib.util
import math
import time
from typing import Any

import numpy as np

from benchmarks.pairs import in_a_process, parser, run_job
from benchmarks.statistics import machine

HIDDEN = "sandlot/CartPoleHidden-v1"
EQUAL: dict[str, Any] = {
    "num_envs": 8, "num_steps": 128, "batch_size": 256, "epochs": 10, "learning_rate": 3e-4, "gamma": 0.99,
    "gae_lambda": 0.95, "clip_range": 0.2, "hidden": (64, 64), "memory_size": 64,
}  # fmt: skip
POPGYM = "popgym:popgym-RepeatPreviousEasy-v0"
TASKS = {
    "sandlot/TMaze-v0": ("lstm", "gru", "transformer", "mlp"),
    "sandlot/Repeat-v0": ("lstm", "gru", "transformer", "mlp"),
    HIDDEN: ("lstm",),
    POPGYM: ("lstm", "gru"),
}
"""The networks to train on each environment, by its recipe."""


def train_sandlot(network: str, shared: bool, steps: int, seed: int) -> tuple[float, float, int]:
    """Return the seconds of training Sandlot's PPO, no return, and the env steps."""
    from sandlot.agents import PPO, PPOConfig

    agent = PPO(HIDDEN, seed=seed, config=PPOConfig(**EQUAL, network=network, shared_encoder=shared))
    begin = time.perf_counter()
    agent.learn(steps)
    return time.perf_counter() - begin, math.nan, agent.env_step


def train_sb3(steps: int, seed: int) -> tuple[float, float, int]:
    """Return the seconds of training sb3-contrib's RecurrentPPO, no return, and the env steps."""
    from sb3_contrib import RecurrentPPO
    from stable_baselines3.common.env_util import make_vec_env

    import envs  # noqa: F401 (registers the environment)

    model = RecurrentPPO(
        "MlpLstmPolicy",
        make_vec_env(HIDDEN, EQUAL["num_envs"], seed=seed),
        n_steps=EQUAL["num_steps"],
        batch_size=EQUAL["batch_size"],
        n_epochs=EQUAL["epochs"],
        learning_rate=EQUAL["learning_rate"],
        policy_kwargs={"lstm_hidden_size": EQUAL["memory_size"], "net_arch": [64, 64]},
        seed=seed,
        device="cpu",
    )
    begin = time.perf_counter()
    model.learn(steps)
    return time.perf_counter() - begin, math.nan, model.num_timesteps


def speed(steps: int, pairs: int) -> None:
    """Print the speeds and their ratios."""
    print(f"\n{HIDDEN}, {steps:,} env steps, equal hyperparameters, env steps/s")
    trainings: dict[str, tuple[Any, ...]] = {
        "RecurrentPPO": ("sb3", steps),
        "LSTM-PPO": ("sandlot", "lstm+mlp", False, steps),
        "LSTM-PPO, one LSTM": ("sandlot", "lstm", True, steps),
        "MLP-PPO": ("sandlot", "mlp", False, steps),
    }
    speeds: dict[str, list[float]] = {name: [] for name in trainings}
    for seed in range(pairs):
        for name, (who, *arguments) in trainings.items():
            speeds[name].append(in_a_process(__spec__.name, who, [*arguments, seed], threads=1)["speed"])
        print(f"  seed {seed}  " + "   ".join(f"{name} {found[-1]:,.0f}" for name, found in speeds.items()), flush=True)
    for ours, other in (("LSTM-PPO", "RecurrentPPO"), ("LSTM-PPO", "MLP-PPO"), ("LSTM-PPO, one LSTM", "MLP-PPO")):
        ratios = np.array(speeds[ours]) / np.array(speeds[other])
        print(
            f"  {ours} / {other}: median {np.median(ratios):.2f} (lowest {min(ratios):.2f}, highest {max(ratios):.2f})"
        )


def returns(env: str, networks: tuple[str, ...], seeds: int) -> None:
    """Print the greedy return of each network, trained by the recipe for `env`."""
    from sandlot.agents import PPO
    from sandlot.agents.evaluation import evaluate
    from sandlot.agents.recipes import recipe

    if env == POPGYM and importlib.util.find_spec("popgym") is None:
        print(f"\n{env}: left out, since popgym is not installed; pip install popgym")
        return
    steps = recipe("ppo", env)["steps"]
    print(f"\n{env}, {steps:,} env steps, greedy return over 100 episodes, seed by seed")
    for network in networks:
        begin, reached = time.perf_counter(), []
        for seed in range(seeds):
            agent = PPO(env, seed=seed, network=network).learn(steps)
            reached.append(evaluate(agent, env).mean)
        seconds = (time.perf_counter() - begin) / seeds
        print(f"  {network:12} {'  '.join(f'{value:.2f}' for value in reached)}   ({seconds:.0f} s each)", flush=True)


def main() -> None:
    """Run the comparisons."""
    arguments = parser(__doc__)
    arguments.add_argument("--seeds", type=int, default=3)
    arguments.add_argument("--steps", type=int, default=20_000, help="env steps for the speeds")
    arguments.add_argument("--only", nargs="+", choices=("speed", *TASKS), help="parts to run; all by default")
    options = arguments.parse_args()
    if options.job:
        run_job(options.job, {"sandlot": train_sandlot, "sb3": train_sb3})
        return
    print(machine("torch", "gymnasium", "sb3-contrib", "numpy"))
    parts = options.only or ("speed", *TASKS)
    if "speed" in parts:
        speed(options.steps, options.pairs)
    for env, networks in TASKS.items():
        if env in parts:
            returns(env, networks, options.seeds)


if __name__ == "__main__":
    main()
