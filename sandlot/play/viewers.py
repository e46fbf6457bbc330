"""Who looks on: each viewer has room for the newest picture and the newest state, and no more."""

import asyncio
import threading
from typing import NamedTuple

MOST = 64


class Shown(NamedTuple):
    """What is to be sent: a picture, a state, or both."""

    picture: bytes | None
    state: str | None


class Viewer:
    """A connection's slot for what is newest. What it is too slow for is replaced, never queued."""

    def __init__(self, loop: asyncio.AbstractEventLoop):
        self.loop, self._ready = loop, asyncio.Event()
        self._lock = threading.Lock()
        self._picture: bytes | None = None
        self._state: str | None = None

    def offer(self, picture: bytes | None, state: str | None) -> None:
        """Put in what is newest, from any thread."""
        with self._lock:
            self._picture, self._state = picture or self._picture, state or self._state
        self.loop.call_soon_threadsafe(self._ready.set)

    async def take(self) -> Shown:
        """Wait until there is something new, and take it out."""
        await self._ready.wait()
        self._ready.clear()
        with self._lock:
            shown, self._picture, self._state = Shown(self._picture, self._state), None, None
        return shown


class Audience:
    """All viewers of a session."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._viewers: set[Viewer] = set()

    def __len__(self) -> int:
        return len(self._viewers)

    def join(self, viewer: Viewer) -> bool:
        """Let a viewer in, if there is room."""
        with self._lock:
            if len(self._viewers) >= MOST:
                return False
            self._viewers.add(viewer)
            return True

    def leave(self, viewer: Viewer) -> None:
        """Let a viewer go."""
        with self._lock:
            self._viewers.discard(viewer)

    def show(self, picture: bytes | None, state: str | None) -> None:
        """Offer what is newest to all."""
        with self._lock:
            viewers = list(self._viewers)
        for viewer in viewers:
            viewer.offer(picture, state)
