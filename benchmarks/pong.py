"""PPO on Pong from pixels: speed beside Stable-Baselines3's, and the score that a training reaches.

    python -m benchmarks.pong speed | tee benchmarks/results/pong_vs_sb3.txt
    python -m benchmarks.pong score --steps 1_000_000 | tee benchmarks/results/pong.txt

The speeds are of PongNoFrameskip-v4 with equal hyperparameters (rl-zoo's and CleanRL's for Atari), each with its own
preprocessing of the same kind: no-ops, 4 frames an action, 84×84 grey, 4 stacked, lives, clipped rewards. The score
is that of the recipe on ALE/Pong-v5, with its sticky actions. An env step is 4 frames.
"""

import time
from pathlib import Path
from typing import Any

from benchmarks.pairs import compare, parser, run_job
from benchmarks.statistics import machine

ENV, NUM_ENVS, FRAMES = "PongNoFrameskip-v4", 8, 4
OURS = {
    "num_steps": 128, "batch_size": 256, "epochs": 4, "learning_rate": 2.5e-4, "clip_range": 0.1,
    "entropy_coef": 0.01, "value_coef": 0.5, "gamma": 0.99, "gae_lambda": 0.95,
}  # fmt: skip
THEIRS = {
    "n_steps": 128, "batch_size": 256, "n_epochs": 4, "learning_rate": 2.5e-4, "clip_range": 0.1,
    "ent_coef": 0.01, "vf_coef": 0.5, "gamma": 0.99, "gae_lambda": 0.95,
}  # fmt: skip


def train_sandlot(steps: int, precision: Any, seed: int) -> tuple[float, float, int]:
    """Return seconds of training, no return (it takes more steps than these), and env steps."""
    from sandlot.agents import PPO, PPOConfig

    agent = PPO(ENV, seed=seed, config=PPOConfig(num_envs=NUM_ENVS, precision=precision, **OURS))
    begin = time.perf_counter()
    agent.learn(steps)
    return time.perf_counter() - begin, float("nan"), agent.env_step


def train_sb3(steps: int, seed: int) -> tuple[float, float, int]:
    """Return seconds of training, no return, and env steps of Stable-Baselines3."""
    import ale_py  # noqa: F401 (registers the game)
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_atari_env
    from stable_baselines3.common.vec_env import VecFrameStack

    env = VecFrameStack(make_atari_env(ENV, NUM_ENVS, seed=seed), 4)
    model = PPO("CnnPolicy", env, seed=seed, device="cpu", **THEIRS)
    begin = time.perf_counter()
    model.learn(steps)
    return time.perf_counter() - begin, float("nan"), model.num_timesteps


def score(steps: int | None, seed: int, episodes: int, folder: Path | None) -> None:
    """Train by the recipe for ALE/Pong-v5, printing the return as it grows, evaluate what was learned and save it."""
    from sandlot.agents import PPO
    from sandlot.agents.callbacks import Callback
    from sandlot.agents.evaluation import evaluate
    from sandlot.agents.recipes import recipe
    from sandlot.agents.training import Training

    env = "ALE/Pong-v5"
    agent, begin = PPO(env, seed=seed), time.perf_counter()
    steps = steps or int(recipe("ppo", env)["steps"])
    print(f"PPO on {env}, its recipe, seed {seed}, {steps:,} env steps")

    class Show(Callback):
        def on_log(self, training: Training, row: dict[str, float]) -> None:
            taken, step, latest = time.perf_counter() - begin, training.env_step, training.latest_return
            reached = "      –" if latest is None else f"{latest:7.2f}"
            print(f"  {step:>9,} env steps   return {reached}   {FRAMES * step / taken:7,.0f} frames/s", flush=True)

    agent.learn(steps, callback=Show())
    if folder is not None:
        agent.save(folder)
    for how, deterministic in (("likeliest actions", True), ("drawn actions", False)):
        evaluation = evaluate(agent, env, episodes=episodes, deterministic=deterministic)
        low, high = evaluation.interval()
        print(f"score, {how}: {evaluation.mean:.1f} ({low:.1f} to {high:.1f}, {episodes} episodes)", flush=True)


def main() -> None:
    """Do what the command line names."""
    arguments = parser(__doc__)
    arguments.add_argument("what", nargs="?", choices=("speed", "score"))
    arguments.add_argument("--steps", type=int, help="env steps of each training")
    arguments.add_argument("--threads", type=int, default=2, help="CPU threads for each, when speeds are compared")
    arguments.add_argument("--seed", type=int, default=0, help="seed of the training whose score is told")
    arguments.add_argument("--episodes", type=int, default=20, help="episodes of the score")
    arguments.add_argument("--save", type=Path, help="folder to save the agent in whose score is told")
    options = arguments.parse_args()
    if options.job:
        run_job(options.job, {"sandlot": train_sandlot, "sb3": train_sb3})
        return
    print(machine("torch", "gymnasium", "ale-py", "stable-baselines3", "numpy"), flush=True)
    if options.what == "score":
        score(options.steps, options.seed, options.episodes, options.save)
        return
    steps = options.steps or 16_384
    print(f"PPO on {ENV}, {NUM_ENVS} envs, {steps:,} env steps of {FRAMES} frames, {options.threads} threads: {THEIRS}")
    for precision in ("float32", "bfloat16"):
        title = f"Sandlot's networks in {precision}, Stable-Baselines3's in float32"
        compare(title, __spec__.name, (steps, precision), (steps,), options.pairs, threads=options.threads)


if __name__ == "__main__":
    main()
