"""Small environments with known answers."""

import multiprocessing
import os
import signal
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

HORIZON = 8


class Endless(gymnasium.Env):
    """Reward 1 for ever, cut into episodes by a time limit: the value of every state is 1 / (1 - gamma)."""

    observation_space = spaces.Box(-1, 1, (1,))
    action_space = spaces.Discrete(2)

    def __init__(self, horizon: int = HORIZON):
        self.horizon, self.time = horizon, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        self.time = 0
        return np.zeros(1, np.float32), {}

    def step(self, action: Any):
        self.time += 1
        return np.zeros(1, np.float32), 1.0, False, self.time >= self.horizon, {}


class Counter(gymnasium.Env):
    """Shows the time since the reset, plus a hundred for each episode before; ends by itself or by the clock."""

    observation_space = spaces.Box(0, 1e6, (1,))
    action_space = spaces.Discrete(2)

    def __init__(self, length: int = 3, terminates: bool = False):
        self.length, self.terminates, self.time, self.episode = length, terminates, 0, -1

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        self.time, self.episode = 0, self.episode + 1
        return self._observation(), {}

    def step(self, action: Any):
        self.time += 1
        over = self.time >= self.length
        return self._observation(), 1.0, over and self.terminates, over and not self.terminates, {}

    def _observation(self) -> np.ndarray:
        return np.array([100 * self.episode + self.time], np.float32)


class TwoStates(gymnasium.Env):
    """Pays 1 in the first state and 2 in the second, then terminates, or is cut by the clock.

    If it terminates, the returns are 1 + 2 gamma and 2.
    """

    observation_space = spaces.Box(0, 1, (2,))
    action_space: gymnasium.Space = spaces.Discrete(2)

    def __init__(self, terminates: bool = True):
        self.terminates, self.state = terminates, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        self.state = 0
        return self._observation(), {}

    def step(self, action: Any):
        reward, over = 1.0 + self.state, self.state == 1
        self.state = 1
        return self._observation(), reward, over and self.terminates, over and not self.terminates, {}

    def _observation(self) -> np.ndarray:
        return np.eye(2, dtype=np.float32)[self.state]


def _bits(n: int) -> spaces.Box:
    return spaces.Box(0, 1, (n,), np.float32)


OBSERVATIONS: dict[str, Any] = {
    "box": (_bits(2), lambda bit: np.eye(2, dtype=np.float32)[bit]),
    "box64": (spaces.Box(0, 1, (2,), np.float64), lambda bit: np.eye(2)[bit]),
    "matrix": (spaces.Box(0, 1, (2, 1), np.float32), lambda bit: np.eye(2, dtype=np.float32)[bit][:, None]),
    "discrete": (spaces.Discrete(2, start=5), lambda bit: np.int64(bit + 5)),
    "multi-discrete": (spaces.MultiDiscrete([2, 3]), lambda bit: np.array([bit, 1])),
    "multi-binary": (spaces.MultiBinary(2), lambda bit: np.array([bit, 1], np.int8)),
    "image": (
        spaces.Box(0, 255, (36, 36, 3), np.uint8),
        lambda bit: np.full((36, 36, 3), 255 * bit, np.uint8),
    ),
    "dict": (
        spaces.Dict({"bit": spaces.Discrete(2), "other.part": _bits(3)}),
        lambda bit: {"bit": np.int64(bit), "other.part": np.zeros(3, np.float32)},
    ),
    "tuple": (
        spaces.Tuple((spaces.Discrete(2), _bits(3))),
        lambda bit: (np.int64(bit), np.zeros(3, np.float32)),
    ),
}

ACTIONS: dict[str, Any] = {
    "discrete": (spaces.Discrete(2), lambda action, bit: float(action == bit)),
    "discrete-from-3": (spaces.Discrete(2, start=3), lambda action, bit: float(action - 3 == bit)),
    "multi-discrete": (
        spaces.MultiDiscrete([2, 2]),
        lambda action, bit: 0.5 * float(action[0] == bit) + 0.5 * float(action[1] != bit),
    ),
    "multi-binary": (
        spaces.MultiBinary(2),
        lambda action, bit: 0.5 * float(action[0] == bit) + 0.5 * float(action[1] != bit),
    ),
    "box": (spaces.Box(-1, 1, (1,), np.float32), lambda action, bit: 1.0 - abs(float(action[0]) - (2 * bit - 1)) / 2),
}


class Match(gymnasium.Env):
    """Shows a bit and pays up to 1 a step for an action that answers to it. Episodes last HORIZON steps."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012

    def __init__(self, observation: str = "box", action: str = "discrete", render_mode: str | None = None):
        self.observation_space, self._show = OBSERVATIONS[observation]
        self.action_space, self._pay = ACTIONS[action]
        self.render_mode, self.time, self.bit = render_mode, 0, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        self.time = 0
        return self._next(), {}

    def step(self, action: Any):
        assert self.action_space.contains(action), f"{action!r} is not in {self.action_space}"
        reward = self._pay(action, self.bit)
        self.time += 1
        return self._next(), reward, self.time >= HORIZON, False, {}

    def render(self) -> np.ndarray:
        return np.full((33, 47, 3), 30 * self.time % 255, np.uint8)

    def _next(self) -> Any:
        self.bit = int(self.np_random.integers(2))
        return self._show(self.bit)


class Chain(gymnasium.Env):
    """A corridor whose transitions are known: left or right, and "right" slips with the chance `slip`.

    Leaving on the left pays 0.3, on the right 1. Leaving anywhere terminates.
    """

    def __init__(self, length: int = 5, slip: float = 0.0):
        self.observation_space, self.action_space = spaces.Discrete(length), spaces.Discrete(2)
        self.initial_state_distrib = np.eye(length)[length // 2 - 1]
        self.P = {s: {0: [self._go(s, -1, 1.0)], 1: self._right(s, slip)} for s in range(length)}
        self.s = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        self.s = int(self.initial_state_distrib.argmax())
        return self.s, {}

    def step(self, action: Any):
        outcomes = self.P[self.s][int(action)]
        chosen = self.np_random.choice(len(outcomes), p=[outcome[0] for outcome in outcomes])
        _, self.s, reward, terminated = outcomes[chosen]
        return self.s, reward, terminated, False, {}

    def _right(self, s: int, slip: float) -> Any:
        return [self._go(s, 1, 1 - slip), self._go(s, -1, slip)] if slip else [self._go(s, 1, 1.0)]

    def _go(self, s: int, by: int, chance: float) -> Any:
        last = int(self.observation_space.n) - 1
        if not 0 <= s + by <= last:
            return chance, s, 0.3 if by < 0 else 1.0, True
        return chance, s + by, 0.0, False


class Broken(Endless):
    """Gives a NaN after a while."""

    def step(self, action: Any):
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, float("nan") if self.time == 5 else reward, terminated, truncated, info


class Bad(Endless):
    """Does something wrong in its fifth step, or ends the process that it is made in, if that is not the first."""

    def __init__(self, what: str = "raises"):
        super().__init__(horizon=100)
        self.what = what
        if what == "dies" and multiprocessing.parent_process() is not None:
            os.kill(os.getpid(), signal.SIGKILL)

    def step(self, action: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        observation, reward, terminated, truncated, info = super().step(action)
        if self.time < 5 or self.what == "dies":
            return observation, reward, terminated, truncated, info
        match self.what:
            case "raises":
                raise ZeroDivisionError("too few\nwheels")
            case "observation":
                return np.array([np.inf], np.float32), reward, terminated, truncated, info
            case "reward":
                return observation, float("nan"), terminated, truncated, info
            case "shape":
                return np.zeros(2, np.float32), reward, terminated, truncated, info
            case "api":
                return observation, reward, terminated, info


class Lives(gymnasium.Env):
    """Pays 2 a step; a life is lost every 2 steps, and with the third the game."""

    observation_space, action_space = spaces.Box(0, 9, (1,)), spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        self.time = 0
        return self._seen(), {"lives": 3}

    def step(self, action: Any):
        self.time += 1
        return self._seen(), 2.0, self.time == 6, False, {"lives": 3 - self.time // 2}

    def _seen(self) -> np.ndarray:
        return np.array([self.time], np.float32)


class Legal(gymnasium.Env):
    """Allows two of four actions at a time, and pays 1 for the greater; tells which in one of three ways.

    An illegal action is an error. At the end of an episode nothing is legal.
    """

    action_space = spaces.Discrete(4)

    def __init__(self, tells: str = "info"):
        self.tells, self.time, self.legal = tells, 0, np.zeros(4, np.int8)
        self.observation_space: Any = _bits(4)
        if tells == "observation":
            mask = spaces.Box(0, 1, (4,), np.int8)
            self.observation_space = spaces.Dict({"action_mask": mask, "observation": _bits(4)})
        elif tells == "method":
            self.action_masks = lambda: self.legal.astype(bool)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        self.time = 0
        return self._next()

    def step(self, action: Any):
        assert self.legal[action], f"{action} is illegal"
        reward = float(action == np.flatnonzero(self.legal).max())
        self.time += 1
        observation, info = self._next()
        return observation, reward, self.time >= HORIZON, False, info

    def _next(self) -> Any:
        self.legal = np.zeros(4, np.int8)
        if self.time < HORIZON:
            self.legal[self.np_random.choice(4, 2, replace=False)] = 1
        seen, legal = np.zeros(4, np.float32), self.legal.copy()
        shown = {"observation": seen, "action_mask": legal} if self.tells == "observation" else seen
        return shown, {"action_mask": legal} if self.tells == "info" else {}


def register() -> None:
    """Register the environments with Gymnasium."""
    for env_spec in (Endless, Counter, TwoStates, Match, Chain, Legal, Broken, Bad, Lives):
        gymnasium.register(f"tests/{env_spec.__name__}-v0", entry_point=env_spec, disable_env_checker=True)
