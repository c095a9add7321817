"""The connection behind the view: it listens in a thread of its own, so that nothing holds up the screen."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from time import monotonic
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.control_room.arrivals import Arrival
    from edge.control_room.subscriber import Subscriber
    from edge.telemetry.commands import Command, Response
    from edge.telemetry.topics import CommandTopic

_T = TypeVar("_T")
POLL_S = 0.2
MAX_WAITING = 100_000
"""Arrivals that wait for the screen; far more than ever do. The oldest go first."""


@dataclass(frozen=True, slots=True)
class News:
    """What has arrived since the last look, whether the broker is there, and what it refuses where it is not."""

    arrivals: tuple[tuple[datetime, Arrival], ...]
    answers: tuple[Response, ...]
    connected: bool
    refusal: str | None = None


class Feed(Protocol):
    """Where a view gets its news from, and sends commands to."""

    def take(self) -> News:
        """Return the news since the last call, at once."""

    def send(self, topic: CommandTopic, command: Command) -> None:
        """Send a command to a box."""


def control_room_clock() -> Callable[[], datetime]:
    """Return a clock in UTC that a step of the machine's time does not disturb."""
    started, started_s = datetime.now(timezone.utc), monotonic()
    return lambda: started + timedelta(seconds=monotonic() - started_s)


class Listener(threading.Thread):
    """A subscriber in a thread. It ends with the program.

    Parameters
    ----------
    subscriber : Subscriber
    clock : function
        Returns the time of an arrival.

    """

    def __init__(self, subscriber: Subscriber, clock: Callable[[], datetime]) -> None:
        super().__init__(name="listener", daemon=True)
        self._subscriber = subscriber
        self._clock = clock
        self._arrivals: deque[tuple[datetime, Arrival]] = deque(maxlen=MAX_WAITING)
        self._answers: deque[Response] = deque(maxlen=MAX_WAITING)
        self._commands: deque[tuple[CommandTopic, Command]] = deque()
        self._ended = threading.Event()

    def run(self) -> None:
        """Listen until `close`."""
        while not self._ended.is_set():
            while self._commands:
                self._subscriber.command(*self._commands.popleft())
            arrived = self._subscriber.poll(POLL_S)
            now = self._clock()
            self._arrivals.extend((now, arrival) for arrival in arrived)
            self._answers.extend(self._subscriber.answers())

    def take(self) -> News:
        """Return the news since the last call, at once."""
        # A thread that has failed hears nothing any more, whatever the connection last was.
        connected = self._subscriber.connected and self.is_alive()
        refusal = None if connected else self._subscriber.refusal
        return News(_drained(self._arrivals), _drained(self._answers), connected, refusal)

    def send(self, topic: CommandTopic, command: Command) -> None:
        """Send a command to a box, soon."""
        self._commands.append((topic, command))

    def close(self) -> None:
        """End the thread, within a moment."""
        self._ended.set()
        self.join(timeout=1.0)


def _drained(waiting: deque[_T]) -> tuple[_T, ...]:
    # Only what waits now: the other thread may go on adding.
    return tuple(waiting.popleft() for _ in range(len(waiting)))
