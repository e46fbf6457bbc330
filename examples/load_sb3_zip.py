"""Load a model that Stable-Baselines3 saved; evaluate and film it with Sandlot's tools."""

from pathlib import Path

import stable_baselines3
import tyro

from sandlot import evaluate
from sandlot.agents.films import Clip, FilmOptions, film_episodes
from sandlot.agents.sb3.zips import load_zip
from sandlot.envs import EnvSpec


def main(steps: int = 20_000) -> None:
    env = EnvSpec("CartPole-v1")
    theirs = stable_baselines3.PPO("MlpPolicy", env.id, seed=1, device="cpu")
    theirs.learn(steps)
    theirs.save("sb3-model.zip")

    agent = load_zip(Path("sb3-model.zip"), env, trust=True)  # it holds pickles: load only what you trust
    found = evaluate(agent, env, episodes=20)
    print(f"{agent.name} return {found.mean:.1f}, 95 % interval {found.interval()}")
    film_episodes([Clip(agent, seed=0)], env, Path("sb3-model.mp4"), FilmOptions(overlay=True, seconds=5))
    print("film: sb3-model.mp4")


if __name__ == "__main__":
    tyro.cli(main)
