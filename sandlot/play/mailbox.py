"""What viewers ask for, heard in turn: who asks for much waits for themselves, not the others for them."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Generic, TypeVar

MOST_WAITING = 32
"""Messages of a viewer that wait; those beyond are dropped."""
PER_SECOND = 60
"""Messages of a viewer that are read in a second, and at once; the connection makes it wait for the next."""
Message = TypeVar("Message")


class Mailbox(Generic[Message]):
    """Messages of several senders, taken out one of each sender at a time."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[Hashable, deque[Message]] = OrderedDict()
        self._changed = threading.Condition()

    def put(self, message: Message, sender: Hashable = None) -> None:
        """Put in a message; if too many of this sender wait already, it is dropped."""
        with self._changed:
            own = self._waiting.setdefault(sender, deque())
            if len(own) < MOST_WAITING:
                own.append(message)
                self._changed.notify()

    def take(self, seconds: float) -> Message | None:
        """Return the next message, if one comes within `seconds`."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting, max(seconds, 0)):
                return None
            sender, own = self._waiting.popitem(last=False)
            message = own.popleft()
            if own:
                self._waiting[sender] = own  # at the end, behind the others
            return message


class Allowance:
    """How many messages a viewer may still send: so many a second, and as many at once."""

    def __init__(self, per_second: float = PER_SECOND):
        self.per_second = self._left = per_second
        self._time = time.monotonic()

    def wait(self) -> float:
        """Spend one, and return for how many seconds to wait before the next."""
        now = time.monotonic()
        self._left = min(self._left + (now - self._time) * self.per_second, self.per_second) - 1
        self._time = now
        return max(-self._left / self.per_second, 0)
