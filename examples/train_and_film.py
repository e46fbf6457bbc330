"""Train PPO on CartPole with a record of the run, evaluate it, and film it."""

import tyro

from sandlot import PPO, evaluate
from sandlot.agents.callbacks import VideoCallback
from sandlot.tracking import Run


def main(steps: int = 50_000, seed: int = 1) -> None:
    agent = PPO("CartPole-v1", seed=seed)  # with the tuned hyperparameters of the recipe
    agent.learn(steps, run="runs", callback=VideoCallback(every=steps), progress=True)

    found = evaluate(agent, "CartPole-v1", episodes=100)
    low, high = found.interval()
    print(f"return {found.mean:.1f} (95 % interval {low:.1f} to {high:.1f})")

    run = Run.find("runs", "latest")
    for film in sorted(run.folder.glob("videos/*.mp4")):
        print("film  ", film)
    print("curve ", run.curve)


if __name__ == "__main__":
    tyro.cli(main)
