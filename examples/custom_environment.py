"""Train on an environment of your own: a point mass that must stop at a target."""

from pathlib import Path

import gymnasium
import numpy as np
import tyro
from gymnasium import spaces

from sandlot import PPO, evaluate
from sandlot.agents.films import Clip, film_episodes
from sandlot.envs import EnvSpec


class Docking(gymnasium.Env):
    """Push a mass along a line; the reward is higher the nearer it is to the target, and the slower."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}
    observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space = spaces.Box(-1, 1, (1,), np.float32)

    def __init__(self, render_mode: str | None = None):
        self.render_mode = render_mode

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state = self.np_random.uniform(-1, 1, 2)
        return self.state.astype(np.float32), {}

    def step(self, action):
        position, speed = self.state
        speed = 0.99 * speed + 0.1 * float(np.clip(action[0], -1, 1))
        self.state = np.array([position + 0.1 * speed, speed])
        return self.state.astype(np.float32), -(position**2) - 0.1 * speed**2, False, False, {}

    def render(self):
        picture = np.full((40, 200, 3), 255, np.uint8)
        picture[:, 99:101] = (220, 60, 60)
        at = int(np.clip(100 + 60 * self.state[0], 5, 195))
        picture[15:25, at - 5 : at + 5] = 0
        return picture


gymnasium.register("Docking-v0", Docking, max_episode_steps=100)


def main(steps: int = 40_000) -> None:
    agent = PPO("Docking-v0", seed=1, num_steps=128, learning_rate=1e-3, normalize_rewards=True)
    print(f"before {evaluate(agent, 'Docking-v0', episodes=20).mean:.1f}")
    agent.learn(steps, progress=True)
    print(f"after  {evaluate(agent, 'Docking-v0', episodes=20).mean:.1f}")
    film_episodes([Clip(agent, seed=0)], EnvSpec("Docking-v0"), Path("docking.mp4"))
    print("film   docking.mp4")


if __name__ == "__main__":
    tyro.cli(main)
