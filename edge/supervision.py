"""Whether the agent still works: signs of life of its threads, and what systemd is told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.systemd import Notifier

HUNG_S = 30.0
"""A step of a thread that takes longer is one that never ends: a decoder, a network or a driver that hangs."""


class Pulse:
    """Signs of life of the pipeline. Its threads write them, the agent's reads them.

    While no frame is on its way, the thread that reads the camera answers for the pipeline: that one opens a lost
    camera again and again. While frames are worked on, nobody else does.

    Parameters
    ----------
    now_s : float
        Monotonic time.

    """

    def __init__(self, now_s: float) -> None:
        self._last_s = now_s
        # Each is written by one thread only.
        self._begun = 0
        self._done = 0

    def beats(self, now_s: float) -> None:
        """Say that something goes on."""
        self._last_s = now_s

    def begins(self, now_s: float) -> None:
        """Begin to work on a frame."""
        self._last_s = now_s
        self._begun += 1

    def ends(self, now_s: float) -> None:
        """End the work on a frame."""
        self._last_s = now_s
        self._done += 1

    def silent_s(self, now_s: float, reader_s: float) -> float:
        """Return the seconds without a sign of life. `reader_s` is the time of the last one of the frames' reader."""
        last_s = self._last_s if self._begun > self._done else max(self._last_s, reader_s)
        return max(0.0, now_s - last_s)


class Watchdog:
    """Tells systemd that the agent is ready and, while it is alive, that it is.

    A dead camera is no reason to restart: the agent tells it and opens the camera again and again. A thread that hangs
    is one, as nothing else ends it.

    Parameters
    ----------
    notifier : Notifier
    hung_s : float
        Seconds without a sign of life after which the agent hangs.

    """

    def __init__(self, notifier: Notifier, hung_s: float = HUNG_S) -> None:
        self._notifier = notifier
        self._hung_s = hung_s
        self._next_s = 0.0
        self._ready = False
        self._status = ""

    def update(self, status: str, silent_s: float, now_s: float, *, ready: bool) -> None:
        """Notify systemd where it is time to.

        Parameters
        ----------
        status : str
            One line for `systemctl status`.
        silent_s : float
            Seconds without a sign of life.
        now_s : float
        ready : bool
            Whether frames move, or it is told why they do not.

        """
        lines = []
        if ready and not self._ready:
            self._ready = True
            lines.append("READY=1")
        if self._ready and silent_s < self._hung_s and now_s >= self._next_s:
            self._next_s = now_s + (self._notifier.watchdog_s or 2.0) / 4
            lines.append("WATCHDOG=1")
        if self._ready and status != self._status:
            self._status = status
            lines.append(f"STATUS={status}")
        if lines:
            self._notifier.notify("\n".join(lines))
