"""An environment of a user's own: a line to walk along, to its right end."""

import gymnasium
import numpy as np
from gymnasium import spaces


class MyEnv(gymnasium.Env):
    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012
    observation_space, action_space = spaces.Box(0, 9, (1,), np.float32), spaces.Discrete(2)

    def __init__(self, render_mode=None):
        self.render_mode = render_mode

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place, self.time = 0, 0
        return self._observation(), {}

    def step(self, action):
        self.place, self.time = max(0, self.place + (1 if action else -1)), self.time + 1
        return self._observation(), float(self.place == 9), self.place == 9, self.time == 30, {}

    def render(self):
        picture = np.zeros((32, 32, 3), np.uint8)
        picture[:, 3 * self.place : 3 * self.place + 3] = 255
        return picture

    def _observation(self):
        return np.array([self.place], np.float32)


gymnasium.register("MyEnv-v0", MyEnv)
