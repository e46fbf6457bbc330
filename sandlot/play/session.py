"""Run one agent in a thread of its own for all viewers."""

import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Hashable
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

from .mailbox import Mailbox
from .messages import Chance, Checkpoint, Message
from .viewers import Audience

LATE_MESSAGES = 4
"""Messages that are heard in a round although it is time to play on."""
TRY_AGAIN = 1.0
"""Seconds until something that went wrong is tried again."""
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
        self._asked: Mailbox[Message] = Mailbox()
        self._begun = False
        self._stop, self._newcomer = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="play", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and close the environment."""
        self._stop.set()
        self._thread.join(5)

    def ask(self, message: Message, sender: Hashable = None) -> None:
        """Queue a message of `sender`; drop it if too many of them wait already."""
        self._asked.put(message, sender)

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
            try:
                while not self._stop.is_set():
                    try:
                        self._listen(min(self._play_on(), PATIENCE))
                    except Exception as error:  # of the environment, say: those who look on are told
                        self._tell(error)
                        self._stop.wait(TRY_AGAIN)
            finally:
                if self._begun:
                    self.end()

    def _play_on(self) -> float:
        """Do what is due, and return for how many seconds there is nothing more to do."""
        if not self._begun:
            self.begin()
            self._begun = True
        if self._newcomer.is_set():
            self._newcomer.clear()
            self.present()
        return self.advance()

    def _listen(self, seconds: float) -> None:
        """Hear the messages that come within `seconds`, and a few of those that have waited longer."""
        until, late = time.perf_counter() + seconds, 0
        while late < LATE_MESSAGES:
            left = until - time.perf_counter()
            late += left <= 0
            message = self._asked.take(left)
            if message is None:
                return
            self.problem = ""
            try:
                self._hear_all(message)
            except Exception as error:
                self._tell(error)

    def _tell(self, error: Exception) -> None:
        """Show everyone what went wrong."""
        said = str(error).strip() or "nothing more is known"
        self.problem = said if isinstance(error, SandlotError) else f"{type(error).__name__}: {said.splitlines()[0]}"
        try:
            self.show()
        except Exception:  # what would be shown is what went wrong
            self.audience.show(None, json.dumps(Session.state(self)))

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
