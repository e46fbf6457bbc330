"""Run one agent in a thread of its own for all viewers."""

import json
import queue
import threading
import time
from abc import ABC, abstractmethod
from io import BytesIO
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from sandlot.agents.action_info import ActionInfo
from sandlot.agents.base import Agent
from sandlot.agents.loading import load_agent
from sandlot.cli.target import ResolvedTarget
from sandlot.envs import tree_map
from sandlot.tracking import SandlotError

from .messages import Chance, Checkpoint, Message
from .viewers import Audience

WAITING_MESSAGES = 256
PATIENCE = 0.2
"""Seconds between polls of the messages while idle."""


class Session(ABC):
    """Run the agent of `found`; subclasses define what it plays. The thread alone touches agent and environment."""

    kind: str
    """Name of this kind of session on the page."""

    def __init__(self, found: ResolvedTarget, seed: int, *, deterministic: bool):
        self.found, self.agent, self.deterministic = found, found.agent, deterministic
        self.seed = seed
        self.audience = Audience()
        self.problem = ""
        """Error of the last message."""
        self.checkpoints = [] if found.run is None else found.run.checkpoint_steps()
        self._asked: queue.Queue[Message] = queue.Queue(WAITING_MESSAGES)
        self._stop, self._newcomer = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="play", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and close the environment."""
        self._stop.set()
        self._thread.join(5)

    def ask(self, message: Message) -> None:
        """Queue a message; drop it if the queue is full."""
        try:
            self._asked.put_nowait(message)
        except queue.Full:
            return

    def greet(self) -> None:
        """Request the current state for a new viewer."""
        self._newcomer.set()

    def hello(self) -> dict[str, Any]:
        """Return the constant part of the state."""
        return {
            "hello": self.kind,
            "agent": self.found.agent.name,
            "env": self.found.env_spec.id,
            "run": self.found.name,
            "checkpoints": self.checkpoints,
        }

    def state(self) -> dict[str, Any]:
        """Return the changing part of the state."""
        return {
            "checkpoint": self.agent.env_step,
            "stochastic": not self.deterministic,
            "viewers": len(self.audience),
            "problem": self.problem,
        }

    @abstractmethod
    def begin(self) -> None:
        """Build the environment, in the session's thread."""

    @abstractmethod
    def advance(self) -> float:
        """Step if it is time to, and return the seconds until the next step."""

    @abstractmethod
    def hear(self, message: Message) -> None:
        """Handle a message."""

    @abstractmethod
    def present(self) -> None:
        """Send the current state and frame."""

    @abstractmethod
    def end(self) -> None:
        """Close what `begin` built."""

    @abstractmethod
    def rethink(self) -> None:
        """Evaluate the current observation again, after a change of agent or mode."""

    def show(self, frame: UInt8[np.ndarray, "height width 3"] | None = None) -> None:
        """Send the state and the picture `frame` to all viewers."""
        if len(self.audience):
            self.audience.show(None if frame is None else jpeg(frame), json.dumps(self.state()))

    def _run(self) -> None:
        with self.agent.thread_context():
            self.begin()
            try:
                while not self._stop.is_set():
                    if self._newcomer.is_set():
                        self._newcomer.clear()
                        self.present()
                    self._listen(min(self.advance(), PATIENCE))
            finally:
                self.end()

    def _listen(self, seconds: float) -> None:
        """Handle all messages that arrive within `seconds`."""
        until = time.perf_counter() + seconds
        while True:
            left = until - time.perf_counter()
            try:
                message = self._asked.get(timeout=left) if left > 0 else self._asked.get_nowait()
            except queue.Empty:
                return
            try:
                self.problem = ""
                self._hear_all(message)
            except SandlotError as error:
                self.problem = str(error)
                self.show()

    def _hear_all(self, message: Message) -> None:
        match message:
            case Chance():
                self.deterministic = not message.stochastic
                self.rethink()
            case Checkpoint():
                if message.step not in self.checkpoints:
                    raise SandlotError(f"there is no checkpoint of step {message.step:,}")
                self.agent = load_agent(self.found.run, message.step)  # pyright: ignore[reportArgumentType]
                self.rethink()
            case _:
                self.hear(message)


def jpeg(frame: UInt8[np.ndarray, "height width 3"]) -> bytes:
    """Encode a picture as JPEG, small ones in full quality."""
    file = BytesIO()
    sharp = max(frame.shape) < 300
    Image.fromarray(frame).save(file, "JPEG", quality=92 if sharp else 82, subsampling=0 if sharp else 2)
    return file.getvalue()


def action_info_to_json(action_info: ActionInfo) -> dict[str, Any]:
    """Return one row's `ActionInfo` for the page, with null for what is infinite or unknown."""
    parts = action_info._asdict().items()
    return {name: None if part is None else _numbers(np.asarray(part, float)) for name, part in parts}


def _numbers(array: Float[np.ndarray, "*shape"]) -> Any:
    if array.ndim:
        return [_numbers(np.asarray(part)) for part in array]
    return round(float(array), 5) if np.isfinite(array) else None


def explain(
    agent: Agent, observation: Any, memory: Any, episode_start: bool, deterministic: bool
) -> tuple[Any, Any, ActionInfo]:
    """Return an agent's action on one observation, its memory afterwards, and its `ActionInfo`."""
    batch = tree_map(lambda leaf: np.asarray(leaf)[None], observation)
    action, memory, action_info = agent.explain(batch, memory, np.array([episode_start]), deterministic)
    return (action[0].item() if action.ndim == 1 else action[0]), memory, action_info.row(0)
