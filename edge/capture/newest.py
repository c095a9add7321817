"""A short shelf between a camera's thread and the reader of frames: it keeps the newest and counts the dropped."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """Holds up to `depth` things in order; where one more comes, all that wait are dropped.

    Dropping all of them at once, and not the oldest only, leaves the taker runs of `depth` things without a gap:
    the three-frame path needs neighbours, and a taker at half the camera's speed would otherwise never see two.
    """

    def __init__(self, depth: int) -> None:
        if depth < 1:
            raise ValueError("a shelf holds at least one")
        self._depth = depth
        self._things: deque[T] = deque()
        self._changed = threading.Condition()
        self._dropped = 0
        self._closed = False

    @property
    def dropped(self) -> int:
        """Things that nobody took."""
        return self._dropped

    def put(self, thing: T) -> None:
        """Add the newest; never waits."""
        with self._changed:
            if len(self._things) == self._depth:
                self._dropped += len(self._things)
                self._things.clear()
            self._things.append(thing)
            self._changed.notify()

    def take(self, timeout_s: float | None = None) -> T | None:
        """Take the oldest one that waits; None once the shelf is closed and empty, or after `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self._things or self._closed, timeout_s)
            return self._things.popleft() if self._things else None

    def close(self) -> None:
        """Let the taker have what is left, then None."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
