"""A short queue between a camera's thread and the reader of frames that keeps the newest and counts the dropped."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class NewestQueue(Generic[T]):
    """A queue of at most `depth` items. When it is full, a new item replaces all that wait.

    Dropping all items at once, and not only the oldest, leaves runs of `depth` items without a gap. The three-frame
    path needs neighbours, which a reader at half the camera's speed would otherwise never get.
    """

    def __init__(self, depth: int) -> None:
        if depth < 1:
            raise ValueError("a queue needs a depth of at least 1")
        self._depth = depth
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._dropped = 0
        self._closed = False

    @property
    def dropped(self) -> int:
        """Items that were dropped."""
        return self._dropped

    def put(self, item: T) -> None:
        """Add the newest item without waiting."""
        with self._changed:
            if len(self._items) == self._depth:
                self._dropped += len(self._items)
                self._items.clear()
            self._items.append(item)
            self._changed.notify()

    def take(self, timeout_s: float | None = None) -> T | None:
        """Return the oldest item. Return None once the queue is closed and empty, or after `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed, timeout_s)
            return self._items.popleft() if self._items else None

    def close(self) -> None:
        """Close the queue: readers get what is left, then None."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
