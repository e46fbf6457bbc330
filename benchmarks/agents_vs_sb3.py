"""Sandlot's agents beside Stable-Baselines3's at equal hyperparameters.

    python -m benchmarks.agents_vs_sb3 a2c | tee benchmarks/results/a2c_vs_sb3.txt

Imports are not in the env steps/s. For PPO see `ppo_vs_peers`.
"""

import time
from typing import Any, NamedTuple

from benchmarks.pairs import compare, parser, run_job
from benchmarks.statistics import machine


class Equal(NamedTuple):
    """A training of Sandlot's and the same of Stable-Baselines3's."""

    agent: str
    options: dict[str, Any]
    peer: str
    kwargs: dict[str, Any]
    """What its class is made with, beside the policy, the environment and the seed."""
    env: str
    num_envs: int
    steps: int


COMPARISONS = {
    # rl-zoo's hyperparameters, which are Stable-Baselines3's defaults: 5 steps an update, RMSprop.
    "a2c": Equal(
        "a2c",
        {"num_steps": 5, "gamma": 0.99, "gae_lambda": 1.0, "learning_rate": 7e-4, "value_coef": 0.5},
        "A2C",
        {"n_steps": 5, "gamma": 0.99, "gae_lambda": 1.0, "learning_rate": 7e-4, "vf_coef": 0.5},
        "CartPole-v1",
        8,
        100_000,
    ),
    # rl-zoo's hyperparameters: 128 gradient steps on batches of 64 after every 256 env steps.
    "dqn": Equal(
        "dqn",
        {"learning_rate": 2.3e-3, "train_freq": 256, "gradient_steps": 128, "target_update_interval": 10,
         "exploration_fraction": 0.16, "exploration_final_eps": 0.04, "hidden": (256, 256)},
        "DQN",
        {"learning_rate": 2.3e-3, "batch_size": 64, "buffer_size": 100_000, "learning_starts": 1_000,
         "target_update_interval": 10, "train_freq": 256, "gradient_steps": 128, "exploration_fraction": 0.16,
         "exploration_final_eps": 0.04, "policy_kwargs": {"net_arch": [256, 256]}},
        "CartPole-v1",
        1,
        15_000,
    ),
    # Stable-Baselines3's defaults, but for a buffer that fits: batches of 256, a gradient step for each env step.
    "sac": Equal("sac", {}, "SAC", {"buffer_size": 300_000}, "Pendulum-v1", 1, 5_000),
    "td3": Equal("td3", {"exploration_noise": 0.0}, "TD3", {"buffer_size": 300_000}, "Pendulum-v1", 1, 5_000),
}  # fmt: skip


def train_sandlot(name: str, steps: int, compiling: str, seed: int) -> tuple[float, float, int]:
    """Return seconds of training, greedy return and env steps.

    A compilation that was asked for happens in a warm-up of a tenth of the steps, which is not counted.
    """
    from sandlot.agents.evaluation import evaluate
    from sandlot.agents.registry import agent_class

    equal = COMPARISONS[name]
    kind = agent_class(equal.agent)
    config = kind.Config(num_envs=equal.num_envs, compile=compiling, **equal.options)
    agent = kind(equal.env, seed=seed, config=config)
    if compiling == "on":
        agent.learn(steps // 10)
    first, begin = agent.env_step, time.perf_counter()
    agent.learn(until=steps)
    seconds = time.perf_counter() - begin
    return seconds, evaluate(agent, equal.env).mean, agent.env_step - first


def train_sb3(name: str, steps: int, seed: int) -> tuple[float, float, int]:
    """Return seconds of training, greedy return and env steps of Stable-Baselines3."""
    import stable_baselines3
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.evaluation import evaluate_policy

    equal = COMPARISONS[name]
    env = make_vec_env(equal.env, equal.num_envs, seed=seed)
    model = getattr(stable_baselines3, equal.peer)("MlpPolicy", env, seed=seed, device="cpu", **equal.kwargs)
    begin = time.perf_counter()
    model.learn(steps)
    seconds = time.perf_counter() - begin
    mean, _ = evaluate_policy(model, make_vec_env(equal.env, 10, seed=10_000), n_eval_episodes=100)
    return seconds, float(mean), model.num_timesteps  # pyright: ignore[reportArgumentType]


def main() -> None:
    """Run the comparisons that the command line names, or all."""
    arguments = parser(__doc__)
    arguments.add_argument("names", nargs="*", help=f"among {', '.join(COMPARISONS)}; all by default")
    arguments.add_argument("--threads", type=int, help="CPU threads for each; by default its own choice")
    arguments.add_argument("--steps", type=int, help="env steps of each training, if not those of the comparison")
    arguments.add_argument("--compile", choices=("auto", "on"), default="auto", help="for Sandlot's agents")
    options = arguments.parse_args()
    if options.job:
        run_job(options.job, {"sandlot": train_sandlot, "sb3": train_sb3})
        return
    print(machine("torch", "gymnasium", "stable-baselines3", "numpy"))
    compiled = "compiled, which is not counted" if options.compile == "on" else "compiled where --compile auto says so"
    print(f"Threads: {options.threads or 'the choice of each'}. Sandlot's gradient steps are {compiled}.")
    for name in options.names or COMPARISONS:
        equal = COMPARISONS[name]
        job = (name, options.steps or equal.steps)
        title = f"{name} on {equal.env}, {equal.num_envs} envs, {job[1]:,} env steps: {equal.kwargs}"
        ours = (*job, options.compile)
        compare(title, __spec__.name, ours, job, options.pairs, threads=options.threads)


if __name__ == "__main__":
    main()
