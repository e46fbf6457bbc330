"""One agent at play, in a thread of its own, for all who look on."""

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
"""Seconds between looks at what has been asked for, while nothing happens."""


class Session(ABC):
    """Play with the agent of `found`: subclasses say what. Nobody else touches agent and environment."""

    kind: str
    """What the page calls such a session."""

    def __init__(self, found: ResolvedTarget, seed: int, *, deterministic: bool):
        self.found, self.agent, self.deterministic = found, found.agent, deterministic
        self.seed = seed
        self.audience = Audience()
        self.problem = ""
        """What went wrong with the last thing that was asked for."""
        self.checkpoints = [] if found.run is None else [int(path.name[5:]) for path in found.run.checkpoints()]
        self._asked: queue.Queue[Message] = queue.Queue(WAITING_MESSAGES)
        self._stop, self._newcomer = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="play", daemon=True)

    def start(self) -> None:
        """Start playing."""
        self._thread.start()

    def stop(self) -> None:
        """Stop playing and free what the environment holds."""
        self._stop.set()
        self._thread.join(5)

    def ask(self, message: Message) -> None:
        """Have a message heard soon; if far too many wait already, it is not."""
        try:
            self._asked.put_nowait(message)
        except queue.Full:
            return

    def greet(self) -> None:
        """Have the present shown soon, for someone who has just come."""
        self._newcomer.set()

    def hello(self) -> dict[str, Any]:
        """Return what does not change while the session lasts."""
        return {
            "hello": self.kind,
            "agent": self.found.agent.name,
            "world": self.found.env_spec.id,
            "run": self.found.name,
            "checkpoints": self.checkpoints,
        }

    def state(self) -> dict[str, Any]:
        """Return what changes."""
        return {
            "checkpoint": self.agent.env_step,
            "stochastic": not self.deterministic,
            "viewers": len(self.audience),
            "problem": self.problem,
        }

    @abstractmethod
    def begin(self) -> None:
        """Make what is played, in the session's thread."""

    @abstractmethod
    def advance(self) -> float:
        """Play on if it is time to, and return for how many seconds there is nothing to do."""

    @abstractmethod
    def hear(self, message: Message) -> None:
        """Do what a message asks for."""

    @abstractmethod
    def present(self) -> None:
        """Show the present, picture and all."""

    @abstractmethod
    def end(self) -> None:
        """Free what `begin` made."""

    @abstractmethod
    def rethink(self) -> None:
        """Consider the present anew, with another agent or another way of choosing."""

    def show(self, frame: UInt8[np.ndarray, "height width 3"] | None = None) -> None:
        """Show everyone the state, and the picture `frame`."""
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
        """Hear all messages that come within `seconds`."""
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
    """Return a picture as a JPEG file: small ones in full quality, as their pixels are seen."""
    file = BytesIO()
    sharp = max(frame.shape) < 300
    Image.fromarray(frame).save(file, "JPEG", quality=92 if sharp else 82, subsampling=0 if sharp else 2)
    return file.getvalue()


def action_info_to_json(action_info: ActionInfo) -> dict[str, Any]:
    """Return one row's thoughts as the page reads them; what is infinite or unknown is null."""
    parts = action_info._asdict().items()
    return {name: None if part is None else _numbers(np.asarray(part, float)) for name, part in parts}


def _numbers(array: Float[np.ndarray, "*shape"]) -> Any:
    if array.ndim:
        return [_numbers(np.asarray(part)) for part in array]
    return round(float(array), 5) if np.isfinite(array) else None


def explain(
    agent: Agent, observation: Any, memory: Any, episode_start: bool, deterministic: bool
) -> tuple[Any, Any, ActionInfo]:
    """Return an agent's action on one observation, the memory after it, and the thoughts behind it."""
    batch = tree_map(lambda leaf: np.asarray(leaf)[None], observation)
    action, memory, action_info = agent.explain(batch, memory, np.array([episode_start]), deterministic)
    return (action[0].item() if action.ndim == 1 else action[0]), memory, action_info.row(0)
