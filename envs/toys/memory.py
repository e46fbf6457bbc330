"""Small environments that need memory. Importing `envs` registers them with Gymnasium."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from sandlot.envs.wrappers import VELOCITIES, hide_entries


class Repeat(gymnasium.Env):
    """Repeat the symbol that was shown `delay` steps ago. The best return is 1, chance is 1 / `symbols`."""

    def __init__(self, delay: int = 2, symbols: int = 4, length: int = 32):
        if not 0 < delay < length:
            raise ValueError(f"delay must be between 1 and length - 1, {length - 1}, not {delay}")
        self.delay, self.symbols, self.length = delay, symbols, length
        self.observation_space = spaces.Box(0.0, 1.0, (symbols,), np.float32)
        self.action_space = spaces.Discrete(symbols)
        self._shown = np.zeros(length + 1, np.int64)
        self._time = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self._shown = self.np_random.integers(self.symbols, size=self.length + 1)
        self._time = 0
        return self._observation(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        before = self._time - self.delay
        right = before >= 0 and action == self._shown[before]
        self._time += 1
        reward = 1.0 / (self.length - self.delay) if right else 0.0
        return self._observation(), reward, self._time == self.length, False, {}

    def _observation(self) -> np.ndarray:
        symbol = np.zeros(self.symbols, np.float32)
        symbol[self._shown[self._time]] = 1.0
        return symbol


class TMaze(gymnasium.Env):
    """Remember a sign at the start that says which way to turn at the end of a corridor.

    The best return is 1, chance is 1/2.

    Observations: the sign at the start (-1 left, 1 right, 0 elsewhere), and whether this is the junction.
    Actions: forward, left, right. Turning inside the corridor does nothing. Episodes have at most
    `2 * length + 2` steps.

    Source: Bakker, "Reinforcement learning with long short-term memory", 2002.
    """

    observation_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = spaces.Discrete(3)

    def __init__(self, length: int = 10):
        if length < 1:
            raise ValueError(f"length must be at least 1, not {length}")
        self.length = length
        self._position = self._time = 0
        self._sign = 1

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self._position = self._time = 0
        self._sign = 1 if self.np_random.integers(2) else -1
        return self._observation(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self._time += 1
        turned = action != 0
        if self._position == self.length and turned:
            right = (1 if action == 2 else -1) == self._sign
            return self._observation(), float(right), True, False, {}
        if not turned and self._position < self.length:
            self._position += 1
        return self._observation(), 0.0, self._time >= 2 * self.length + 2, False, {}

    def _observation(self) -> np.ndarray:
        return np.array([self._sign if self._position == 0 else 0, self._position == self.length], np.float32)


def register() -> None:
    """Register the environments with Gymnasium."""
    gymnasium.register("sandlot/Repeat-v0", entry_point=f"{__name__}:Repeat")
    gymnasium.register("sandlot/TMaze-v0", entry_point=f"{__name__}:TMaze")
    gymnasium.register("sandlot/CartPoleHidden-v1", entry_point=f"{__name__}:cartpole_hidden", max_episode_steps=500)


def cartpole_hidden(render_mode: str | None = None) -> gymnasium.Env:
    """Return a CartPole whose velocities are hidden."""
    from gymnasium.envs.classic_control.cartpole import CartPoleEnv

    return hide_entries(CartPoleEnv(render_mode=render_mode), VELOCITIES["CartPole"])
