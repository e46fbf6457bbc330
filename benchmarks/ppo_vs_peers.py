"""Sandlot's PPO beside Stable-Baselines3's: at equal hyperparameters, and to a solved CartPole.

    python -m benchmarks.ppo_vs_peers | tee benchmarks/results/ppo_vs_peers.txt

Imports are not in the env steps/s; they are in the time to a solved CartPole, which is a whole process.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.pairs import compare, parser, run_job
from benchmarks.statistics import machine

SOLVED = 475

# rl-zoo's hyperparameters (hyperparams/ppo.yml), in Sandlot's names. What rl-zoo leaves out is SB3's default.
EQUAL: dict[str, dict[str, Any]] = {
    "CartPole-v1": {
        "num_envs": 8, "num_steps": 32, "batch_size": 256, "gae_lambda": 0.8, "gamma": 0.98, "epochs": 20,
        "entropy_coef": 0.0, "learning_rate": 1e-3, "learning_rate_schedule": "linear", "clip_range": 0.2,
        "clip_range_schedule": "linear",
    },
    "LunarLander-v3": {
        "num_envs": 16, "num_steps": 1024, "batch_size": 64, "gae_lambda": 0.98, "gamma": 0.999, "epochs": 4,
        "entropy_coef": 0.01, "learning_rate": 3e-4, "clip_range": 0.2,
    },
}  # fmt: skip


def train_sandlot(env: str, steps: int, options: dict[str, Any] | None, seed: int) -> tuple[float, float, int]:
    """Return seconds of training, greedy return and env steps. No options: the recipe.

    A compilation that was asked for happens in a warm-up of one rollout, which is not counted.
    """
    from sandlot.agents import PPO, PPOConfig
    from sandlot.agents.evaluation import evaluate

    agent = PPO(env, seed=seed, config=None if options is None else PPOConfig(**options))
    if agent.config.compile == "on":
        agent.learn(agent.config.rows + agent.config.num_envs)
    first, begin = agent.env_step, time.perf_counter()
    agent.learn(until=steps)
    seconds = time.perf_counter() - begin
    return seconds, evaluate(agent, env).mean, agent.env_step - first


def train_sb3(env: str, steps: int, options: dict[str, Any] | None, seed: int) -> tuple[float, float, int]:
    """Return seconds of training, greedy return and env steps of Stable-Baselines3."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.evaluation import evaluate_policy

    given = EQUAL[env] if options is None else options

    def falling(name: str) -> Callable[[float], float] | float:
        linear = given.get(f"{name}_schedule") == "linear"
        return (lambda left: left * given[name]) if linear else given[name]

    model = PPO(
        "MlpPolicy",
        make_vec_env(env, given["num_envs"], seed=seed),
        n_steps=given["num_steps"],
        batch_size=given["batch_size"],
        gae_lambda=given["gae_lambda"],
        gamma=given["gamma"],
        n_epochs=given["epochs"],
        ent_coef=given["entropy_coef"],
        learning_rate=falling("learning_rate"),
        clip_range=falling("clip_range"),
        seed=seed,
        device="cpu",
    )
    begin = time.perf_counter()
    model.learn(steps)
    seconds = time.perf_counter() - begin
    mean, _ = evaluate_policy(model, make_vec_env(env, 10, seed=10_000), n_eval_episodes=100)
    return seconds, float(np.mean(mean)), model.num_timesteps


def main() -> None:
    """Run the comparisons."""
    from sandlot.agents.recipes import recipe

    arguments = parser(__doc__)
    arguments.add_argument(
        "--lander-steps", type=int, default=1_000_000, help="env steps on LunarLander; 0 leaves it out"
    )
    options = arguments.parse_args()
    if options.job:
        run_job(options.job, {"sandlot": train_sandlot, "sb3": train_sb3})
        return
    print(machine("torch", "gymnasium", "stable-baselines3", "numpy"))
    print("Stable-Baselines3 as it is installed: its own choice of threads.")
    module, pairs, equal = __spec__.name, options.pairs, EQUAL["CartPole-v1"]
    title, theirs = "CartPole-v1, rl-zoo's hyperparameters, 100,000 env steps", ("CartPole-v1", 100_000, equal)
    compare(f"{title}, not compiled (what --compile auto chooses)", module, theirs, theirs, pairs)
    ours = ("CartPole-v1", 100_000, {**equal, "compile": "on"})
    compare(f"{title}, compiled (--compile on), compilation not counted", module, ours, theirs, pairs)
    own = recipe("ppo", "CartPole-v1")["steps"]
    title = f"CartPole-v1, each one's own recipe ({own:,} and 100,000 env steps), from cold start to exit"
    title += f", 100 episodes evaluated; solved is {SOLVED}"
    ours, theirs = ("CartPole-v1", own, None), ("CartPole-v1", 100_000, None)
    compare(title, module, ours, theirs, pairs, figure="whole")
    if options.lander_steps:
        steps = options.lander_steps
        compiled = "compiled, which is counted" if steps >= 1_000_000 else "not compiled"
        title = f"LunarLander-v3, rl-zoo's hyperparameters, {steps:,} env steps ({compiled}: --compile auto)"
        both = ("LunarLander-v3", steps, EQUAL["LunarLander-v3"])
        compare(title, module, both, both, 1)


if __name__ == "__main__":
    main()
