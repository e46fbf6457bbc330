"""Viewers: each has a slot for the newest frame and state."""

import asyncio
import threading
from typing import NamedTuple

MOST = 64


class Shown(NamedTuple):
    """A message to a viewer: a frame, a state, or both."""

    picture: bytes | None
    state: str | None


class Viewer:
    """A connection's slot for the newest update. Updates that it is too slow for are replaced, never queued."""

    def __init__(self, loop: asyncio.AbstractEventLoop):
        self.loop, self._ready = loop, asyncio.Event()
        self._lock = threading.Lock()
        self._picture: bytes | None = None
        self._state: str | None = None

    def offer(self, picture: bytes | None, state: str | None) -> None:
        """Store the newest update, from any thread."""
        with self._lock:
            self._picture, self._state = picture or self._picture, state or self._state
        self.loop.call_soon_threadsafe(self._ready.set)

    async def take(self) -> Shown:
        """Wait for an update and take it."""
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
        """Add a viewer, if there is room."""
        with self._lock:
            if len(self._viewers) >= MOST:
                return False
            self._viewers.add(viewer)
            return True

    def leave(self, viewer: Viewer) -> None:
        """Remove a viewer."""
        with self._lock:
            self._viewers.discard(viewer)

    def show(self, picture: bytes | None, state: str | None) -> None:
        """Send the newest update to all."""
        with self._lock:
            viewers = list(self._viewers)
        for viewer in viewers:
            viewer.offer(picture, state)
