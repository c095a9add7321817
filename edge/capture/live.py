"""What streams and cameras share: a thread that reads them, keeps the newest frames and comes back after a loss."""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from edge.capture.base import Source
from edge.capture.newest import Newest
from edge.capture.pace import Pace
from edge.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.capture.frame import Frame, Image

BACKLOG = 8  # frames that may wait while the reader of frames is busy
FIRST_PAUSE_S = 0.5  # before the first attempt to reconnect; doubled at each further one
LONGEST_PAUSE_S = 30.0
CLOSE_LIMIT_S = 3.0  # drivers are known to hang when a camera is given back


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of live frames; tests bring their own."""

    monotonic_s: Callable[[], float] = time.monotonic
    utc: Callable[[], datetime] = lambda: datetime.now(timezone.utc)


@dataclass(frozen=True, slots=True)
class Taken:
    """A picture as it came: JPEG bytes, or pixels (grey or blue, green, red), and what is known of its exposure.

    `stamp_s` is the camera's own time of the picture, where it gives one: it tells of frames lost before they came.
    """

    jpeg: bytes | None = None
    picture: Image | None = None
    i420: Image | None = None
    decode_ms: float = 0.0
    exposure_s: float | None = None
    gain: float | None = None
    stamp_s: float | None = None


@dataclass(frozen=True, slots=True)
class _Stamped:
    taken: Taken
    sequence: int
    monotonic_s: float
    utc: datetime


class LostError(Exception):
    """The stream or camera went away; the message says how, without credentials."""


class LiveSource(Source):
    """A source in real time.

    A thread of its own takes the frames and numbers them as they come, so a dropped one leaves a gap. When the
    source is lost the thread connects again, with growing pauses, for as long as the source is open.

    Subclasses connect, take and disconnect; all three run in the reading thread, except the first connection.
    """

    live = True

    def __init__(
        self,
        spec: str,
        *,
        exposure_s: float | None = None,
        gain: float | None = None,
        backlog: int = BACKLOG,
        first_pause_s: float = FIRST_PAUSE_S,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(spec, exposure_s=exposure_s, gain=gain)
        self._shelf: Newest[_Stamped] = Newest(backlog)
        self._clock = clock or Clock()
        self._first_pause_s = first_pause_s
        self._stop = threading.Event()
        self._pace = Pace()
        self._missed = 0
        self._sequence = 0
        self._crash: BaseException | None = None
        self._thread: threading.Thread | None = None

    @abstractmethod
    def _connect(self) -> None:
        """Open the source and set its mode; SourceError where that is not possible."""

    @abstractmethod
    def _take(self) -> Taken:
        """Wait for the next picture; LostError or OSError where none comes any more."""

    @abstractmethod
    def _disconnect(self) -> None:
        """Give the source back; must do nothing when it is not open."""

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames until the source is closed."""
        while (stamped := self._shelf.take()) is not None:
            frame = self._frame_of(stamped)
            if frame is not None:
                yield frame
        if self._crash is not None:
            raise self._crash

    def close(self) -> None:
        """End the reading thread; waits a few seconds at most, as drivers are known to hang."""
        self._stop.set()
        self._shelf.close()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(CLOSE_LIMIT_S)
            if self._thread.is_alive():
                self._warn(f"did not end within {CLOSE_LIMIT_S:g} s and was left to itself")

    def _start(self) -> None:
        """Connect, then read in a thread; to be called at the end of a subclass's __init__."""
        try:
            self._connect()
            self._put(self._take())
        except (LostError, OSError) as error:
            self._disconnect()
            raise SourceError(self.spec, f"gives no picture ({_words(error)})", "check that it is running") from error
        except BaseException:
            self._disconnect()
            raise
        self._thread = threading.Thread(target=self._read, name=f"capture {self.spec}", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while not self._stop.is_set():
                self._put_or_come_back()
        except BaseException as error:  # noqa: BLE001 - the reader of frames raises it
            self._crash = error
        finally:
            self._shelf.close()
            self._disconnect()

    def _put_or_come_back(self) -> None:
        try:
            self._put(self._take())
        except (LostError, OSError) as error:
            if self._stop.is_set():
                return
            reason = _words(error)
            self._losses[reason] = self._losses.get(reason, 0) + 1
            sentence = f"the source is lost ({reason}) and is being opened again"
            self._warn(sentence)
            if self._come_back():
                del self._warnings[sentence]

    def _come_back(self) -> bool:
        """Connect again, however long it takes; False when the source is closed meanwhile."""
        self._sequence += 1  # what was missed is a gap
        self._pace = Pace()
        pause_s = self._first_pause_s
        while True:
            self._disconnect()
            if self._stop.wait(pause_s):
                return False
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            try:
                self._connect()
            except (SourceError, LostError, OSError):
                continue
            self._reconnects += 1
            return True

    def _put(self, taken: Taken) -> None:
        if taken.stamp_s is not None:
            missed = self._pace.missed_before(taken.stamp_s)
            self._missed += missed
            self._sequence += missed
        self._shelf.put(_Stamped(taken, self._sequence, self._clock.monotonic_s(), self._clock.utc()))
        self._sequence += 1

    def _frame_of(self, stamped: _Stamped) -> Frame | None:
        taken, at = stamped.taken, (stamped.sequence, stamped.monotonic_s, stamped.utc)
        if taken.exposure_s is not None:
            self._exposure_s = taken.exposure_s
        if taken.gain is not None:
            self._gain = taken.gain
        if taken.jpeg is not None:
            return self._from_jpeg(taken.jpeg, *at)
        if taken.i420 is not None:
            return self._from_i420(taken.i420, *at)
        if taken.picture is None:
            raise ValueError("a picture was taken without bytes or pixels")
        return self._from_picture(taken.picture, *at, taken.decode_ms)

    def _dropped_count(self) -> int:
        return self._shelf.dropped + self._missed


def _words(error: BaseException) -> str:
    """Give an error in words that hold no address and so no password."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error)
