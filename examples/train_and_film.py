"""Train PPO on CartPole with a record of the run, evaluate it, and film it."""

import tyro

from sandlot import PPO, evaluate


def main(steps: int = 50_000, seed: int = 1) -> None:
    agent = PPO("CartPole-v1", seed=seed)  # with the tuned hyperparameters of the recipe
    agent.learn(steps, record="runs", progress=True)

    found = evaluate(agent, "CartPole-v1", episodes=100)
    low, high = found.interval()
    print(f"return {found.mean:.1f} (95 % interval {low:.1f} to {high:.1f})")

    assert agent.run is not None
    for video in sorted(agent.run.folder.glob("videos/*.mp4")):
        print("video ", video)
    print("curve ", agent.run.curve)


if __name__ == "__main__":
    tyro.cli(main)
