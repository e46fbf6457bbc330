"""A minimal environment with image observations. Importing `envs` registers it with Gymnasium."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

SIDE, CELL = 10, 4
"""Cells of a side of the board, and pixels of a side of a cell."""


class Catch(gymnasium.Env):
    """Catch a ball that falls one row per step with a paddle one cell wide; the return is 1 if caught, else -1.

    Observations: greyscale images of 40×40. Actions: left, stay, right.

    Source: bsuite's catch (Osband et al., "Behaviour suite for reinforcement learning", 2020), as images.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012 (as Gymnasium has it)
    observation_space = spaces.Box(0, 255, (SIDE * CELL, SIDE * CELL, 1), np.uint8)
    action_space = spaces.Discrete(3)

    def __init__(self, render_mode: str | None = None):
        self.render_mode = render_mode
        self._row = self._column = 0
        self._paddle = SIDE // 2

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self._row, self._paddle = 0, SIDE // 2
        self._column = int(self.np_random.integers(SIDE))
        return self._image(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self._paddle = min(max(self._paddle + int(action) - 1, 0), SIDE - 1)
        self._row += 1
        over = self._row == SIDE - 1
        reward = (1.0 if self._paddle == self._column else -1.0) if over else 0.0
        return self._image(), reward, over, False, {}

    def render(self) -> np.ndarray | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the observation as an RGB array."""
        return self._image().repeat(3, axis=2) if self.render_mode == "rgb_array" else None

    def _image(self) -> np.ndarray:
        board = np.zeros((SIDE, SIDE, 1), np.uint8)
        board[self._row, self._column] = 255
        board[-1, self._paddle] = 255
        return board.repeat(CELL, axis=0).repeat(CELL, axis=1)


def register() -> None:
    """Register the environment with Gymnasium."""
    gymnasium.register("sandlot/Catch-v0", entry_point=f"{__name__}:Catch")
