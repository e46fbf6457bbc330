"""Watch an agent in its environment, and take over its controls."""

import time
from typing import Any

import numpy as np

from sandlot.agents.action_info import ActionInfo
from sandlot.cli.target import ResolvedTarget
from sandlot.envs import Frame, action_names, frames_per_second, render_frame, run_headless
from sandlot.tracking import SandlotError

from .keyboard import keyboard_for
from .messages import Control, Go, Keys, Message, Reset, Speed
from .session import Session, action_info_to_json, explain

REST_SECONDS = 1.0
"""Seconds that the end of an episode is shown."""


class ControlSession(Session):
    """Episodes of an environment, one after the other."""

    kind = "control"

    def __init__(self, found: ResolvedTarget, seed: int, *, deterministic: bool):
        super().__init__(found, seed, deterministic=deterministic)
        run_headless()
        self.env = found.env_spec.single(render=True)
        self.players = getattr(self.env.unwrapped, "num_rows", 1)
        self.keyboard = keyboard_for(self.env) if self.players == 1 else None
        self.fps = frames_per_second(self.env)
        self.names = action_names(self.env)
        self.paused, self.speed, self.human = False, 1.0, False
        self.down: list[str] = []
        self._pressed = False
        self._due = self._shown = 0.0
        self._rate = 0.0

    def hello(self) -> dict[str, Any]:
        keyboard = self.keyboard
        keys = None if keyboard is None else {"buttons": keyboard.buttons, "waits": keyboard.waits}
        return {**super().hello(), "actions": self.names, "keys": keys, "fps": self.fps}

    def state(self) -> dict[str, Any]:
        taken = np.asarray(self.action)
        return {
            **super().state(),
            "step": self.step,
            "return": round(self.total, 4),
            "reward": round(self.reward, 4),
            "seed": self.seed,
            "over": self.over,
            "paused": self.paused,
            "speed": self.speed,
            "human": self.human,
            "rate": round(self._rate, 1),
            "action": np.round(taken.astype(float), 4).tolist() if self.players == 1 else None,
            "action_info": action_info_to_json(self.action_info),
        }

    def begin(self) -> None:
        self._reset(self.seed)

    def present(self) -> None:
        self.show(self._frame())

    def end(self) -> None:
        self.env.close()

    def advance(self) -> float:
        now = time.perf_counter()
        if self.paused or self._waits:
            return 1.0
        if now < self._due:
            return self._due - now
        period = 1 / (self.fps * self.speed)
        self._due = max(self._due + period, now - period)
        if self.over:
            self._reset((self.seed + 1) % 2**31)
        else:
            self._step()
        return self._due - time.perf_counter()

    def hear(self, message: Message) -> None:
        match message:
            case Go(kind="step"):
                self.paused = True
                if self.over:
                    self._reset((self.seed + 1) % 2**31)
                else:
                    self._step()
            case Go(kind="play" | "pause"):
                self.paused = message.kind == "pause"
                self._due = time.perf_counter()
            case Speed():
                self.speed = message.factor
            case Reset():
                self._reset(message.seed)
            case Control():
                if message.who == "human" and self.keyboard is None:
                    raise SandlotError(f"{self.found.env_spec.id} can't be played by keys")
                self.human, self.down, self._due = message.who == "human", [], time.perf_counter()
            case Keys():
                self._pressed = self._pressed or bool(set(message.down) - set(self.down))
                self.down = message.down
                return
            case _:
                return
        self.show()

    def rethink(self) -> None:
        self.memory = None
        self._think(episode_start=True)
        self.show()

    @property
    def _waits(self) -> bool:
        """Whether the environment waits for the viewer's key."""
        keyboard = self.keyboard
        return self.human and keyboard is not None and keyboard.waits and not self._pressed and not self.over

    def _reset(self, seed: int) -> None:
        self.seed = seed
        self.observation, _ = self.env.reset(seed=seed)
        self.memory: Any = None
        self.step, self.total, self.reward, self.over = 0, 0.0, 0.0, False
        self._think(episode_start=True)
        self._picture()

    def _step(self) -> None:
        action = self.action
        if self.human and self.keyboard is not None:
            action, self._pressed = self.keyboard.action(self.down, self.step), False
        self.observation, reward, terminated, truncated, _ = self.env.step(action)
        self.step, self.reward, self.over = self.step + 1, float(reward), terminated or truncated
        self.total += self.reward
        self._think(episode_start=False)
        self._picture()
        if self.over:
            self._due = time.perf_counter() + REST_SECONDS

    def _think(self, *, episode_start: bool) -> None:
        """Evaluate the current observation with the agent, whoever acts."""
        if self.players > 1:
            begins = np.full(self.players, episode_start)
            self.action, self.memory = self.agent.select_action(
                self.observation, self.memory, begins, self.deterministic
            )
            self.action_info = ActionInfo()
            return
        explained = explain(self.agent, self.observation, self.memory, episode_start, self.deterministic)
        self.action, self.memory, self.action_info = explained

    def _picture(self) -> None:
        now = time.perf_counter()
        self._rate += 0.1 * (1 / max(now - self._shown, 1e-3) - self._rate)
        self._shown = now
        self.show(self._frame() if len(self.audience) else None)

    def _frame(self) -> Frame:
        return render_frame(self.env)
