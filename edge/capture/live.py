"""The base of streams and cameras: a thread that reads frames, keeps the newest and reconnects after a loss."""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from edge.capture.arrivals import Arrivals
from edge.capture.back_off import BackOff
from edge.capture.base import USUAL_FPS, Source
from edge.capture.network_words import words_of
from edge.capture.newest_queue import NewestQueue
from edge.capture.pace import Pace
from edge.capture.report import count_reason
from edge.errors import SourceError
from edge.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.capture.camera_fault import FaultName
    from edge.capture.camera_watch import SourceFacts
    from edge.capture.controls import Held
    from edge.capture.frame import Frame, Image

BACKLOG = 8  # frames that wait for the reader
FIRST_PAUSE_S = 0.5  # before the first attempt to reconnect; doubled at each further one
LONGEST_PAUSE_S = 5.0  # a camera that comes back is seen again within 10 s
STEADY_S = 5.0  # a connection that lasts as long is followed by a short pause again
REOPENED: frozenset[FaultName] = frozenset({"frozen", "damaged", "wrong_rate"})
"""States in which it helps to open a camera again."""
CLOSE_LIMIT_S = 3.0  # drivers are known to hang when a camera is given back


@dataclass(frozen=True, slots=True)
class Clock:
    """The clocks of live frames."""

    monotonic_s: Callable[[], float] = time.monotonic
    utc: Callable[[], datetime] = lambda: datetime.now(timezone.utc)


@dataclass(frozen=True, slots=True)
class RawPicture:
    """A picture as it arrived: JPEG bytes or pixels (grey or blue, green, red), with its exposure where known.

    `stamp_s` is the camera's own time stamp, where it has one. It reveals frames that were lost before they arrived.
    """

    jpeg: bytes | None = None
    pixels: Image | None = None
    i420: Image | None = None
    decode_ms: float = 0.0
    exposure_s: float | None = None
    gain: float | None = None
    stamp_s: float | None = None


@dataclass(frozen=True, slots=True)
class _Stamped:
    picture: RawPicture
    sequence: int
    monotonic_s: float
    utc: datetime
    period_s: float


class LostError(Exception):
    """The stream or camera was lost. The message says how, without credentials."""


class LiveSource(Source):
    """A source in real time.

    A thread reads the frames and numbers them as they arrive, so a dropped frame leaves a gap. When the source is
    lost, the thread reconnects, with growing pauses, for as long as the source is open.

    Subclasses implement `_connect`, `_take` and `_disconnect`. All three run in the reading thread, except the first
    connection.
    """

    live = True

    def __init__(
        self,
        spec: str,
        *,
        fps: float | None = None,
        exposure_s: float | None = None,
        gain: float | None = None,
        backlog: int = BACKLOG,
        first_pause_s: float = FIRST_PAUSE_S,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(spec, fps=fps, exposure_s=exposure_s, gain=gain)
        self._queue: NewestQueue[_Stamped] = NewestQueue(backlog)
        self._clock = clock or Clock()
        self._first_pause_s = first_pause_s
        self._stop = threading.Event()
        self._beat_s = self._clock.monotonic_s()
        self._pace = Pace()
        self._arrivals: Arrivals | None = None
        self._missed = 0
        self._newest_s = self._clock.monotonic_s()
        self._connected_s = self._newest_s
        self._pause_s = first_pause_s
        self._lost: str | None = None
        self._lost_remedy: str | None = None
        self._reopen = threading.Event()
        self._reopenings = BackOff()
        self._sequence = 0
        self._crash: BaseException | None = None
        self._thread: threading.Thread | None = None

    @property
    def beat_s(self) -> float:
        """Monotonic time of the last step of the reading thread: a picture, an attempt, a second of waiting."""
        return self._beat_s

    @abstractmethod
    def _connect(self) -> None:
        """Open the source and set its mode. Raise SourceError where that is not possible."""

    @abstractmethod
    def _take(self) -> RawPicture:
        """Return the next picture when it arrives. Raise LostError or OSError where none arrives any more."""

    @abstractmethod
    def _disconnect(self) -> None:
        """Release the source. Do nothing where it is not open."""

    def pictures(self) -> Iterator[Frame]:
        """Yield frames until the source is closed."""
        while (stamped := self._queue.take()) is not None:
            frame = self._frame_of(stamped)
            if frame is not None:
                yield frame
        if self._crash is not None:
            raise self._crash

    def close(self) -> None:
        """End the reading thread. Waits for a few seconds at most, as drivers are known to hang."""
        self._stop.set()
        self._queue.close()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(CLOSE_LIMIT_S)
            if self._thread.is_alive():
                self._warn("close", f"did not end within {CLOSE_LIMIT_S:g} s and was left to itself")

    def _start(self) -> None:
        """Connect, then read in a thread. Subclasses call it at the end of __init__."""
        try:
            self._connect()
            if self._mode is not None:
                self._monitor.expect_fps(self._mode.fps)
            self._put(self._take())
        except (LostError, OSError) as error:
            self._disconnect()
            raise SourceError(
                self.spec, f"delivers no picture ({_words(error)})", "check that it is running"
            ) from error
        except BaseException:
            self._disconnect()
            raise
        self._thread = threading.Thread(target=self._read, name=f"capture {self.spec}", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while not self._stop.is_set():
                self._beat_s = self._clock.monotonic_s()
                self._put_or_reconnect()
        except BaseException as error:  # noqa: BLE001 - the reader of frames raises it
            self._crash = error
        finally:
            self._queue.close()
            self._disconnect()

    def _put_or_reconnect(self) -> None:
        try:
            self._put(self._next())
        except (LostError, OSError) as error:
            if self._stop.is_set():
                return
            reason = one_line(_words(error))
            count_reason(self._losses, reason)
            if self._reopen.is_set():
                self._reopen.clear()
            else:
                self._lost, self._lost_remedy = reason, None
            self._reconnect()

    def _next(self) -> RawPicture:
        if self._reopen.is_set():
            raise LostError("opened again, as it delivered nothing of use")
        return self._take()

    def _reconnect(self) -> None:
        """Reconnect, however long it takes, or until the source is closed."""
        self._sequence += 1  # frames missed meanwhile are a gap
        self._pace = Pace()
        if self._arrivals is not None:
            self._arrivals.restart()
        if self._clock.monotonic_s() - self._connected_s > STEADY_S:
            self._pause_s = self._first_pause_s
        while True:
            self._disconnect()
            if self._wait(self._pause_s):
                return
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
            try:
                self._connect()
            except SourceError as error:
                self._lost, self._lost_remedy = error.problem, error.advice
            except (LostError, OSError) as error:
                self._lost, self._lost_remedy = one_line(_words(error)), None
            else:
                self._reconnects += 1
                self._connected_s = self._newest_s = self._clock.monotonic_s()
                return

    def _hold(self, held: Held) -> None:
        """Take over what the camera made of its controls."""
        self._refused = held.refused
        for kind in ("exposure", "gain"):
            self._warnings.pop(kind, None)
        for kind, sentence in held.warnings.items():
            self._warn(kind, sentence)

    def _now(self) -> tuple[float, datetime]:
        return self._clock.monotonic_s(), self._clock.utc()

    def _check(self) -> None:
        super()._check()
        now_s, _ = self._now()
        names = {fault.name for fault in self._monitor.faults}
        if self._lost is None and self._reopenings.is_due(now_s, wanted=bool(names & REOPENED)):
            self._reopen.set()

    def _facts(self) -> SourceFacts:
        facts = super()._facts()
        silent_s = max(self._clock.monotonic_s() - self._newest_s, 0.0)
        period_s = 0.0 if self._arrivals is None else self._arrivals.period_s
        return replace(facts, silent_s=silent_s, period_s=period_s, lost=self._lost, lost_remedy=self._lost_remedy)

    def _wait(self, pause_s: float) -> bool:
        """Wait with a sign of life each second. Return True at once where the source is closed meanwhile."""
        until_s = time.monotonic() + pause_s
        while (left_s := until_s - time.monotonic()) > 0:
            self._beat_s = self._clock.monotonic_s()
            if self._stop.wait(min(left_s, 1.0)):
                return True
        return self._stop.is_set()

    def _put(self, picture: RawPicture) -> None:
        arrived_s = self._newest_s = self._clock.monotonic_s()
        self._lost = None
        period_s = self._period_of(picture, arrived_s)
        self._queue.put(_Stamped(picture, self._sequence, arrived_s, self._clock.utc(), period_s))
        self._sequence += 1

    def _period_of(self, picture: RawPicture, arrived_s: float) -> float:
        """Return the usual time from picture to picture, and count the frames that are missing before this one."""
        if self._arrivals is None:
            self._arrivals = Arrivals(1 / (self.mode.fps if self.mode.fps > 0 else USUAL_FPS))
        self._arrivals.add(arrived_s)
        if picture.stamp_s is None:
            return self._arrivals.period_s
        missed = self._pace.missed_before(picture.stamp_s)
        self._missed += missed
        self._sequence += missed
        return self._pace.period_s or self._arrivals.period_s

    def _frame_of(self, stamped: _Stamped) -> Frame | None:
        picture, stamps = stamped.picture, (stamped.sequence, stamped.monotonic_s, stamped.utc)
        self._period_s = stamped.period_s
        if picture.exposure_s is not None:
            self._exposure_s = picture.exposure_s
        if picture.gain is not None:
            self._gain = picture.gain
        if picture.jpeg is not None:
            return self._from_jpeg(picture.jpeg, *stamps)
        if picture.i420 is not None:
            return self._from_i420(picture.i420, *stamps)
        if picture.pixels is None:
            raise ValueError("a raw picture has neither bytes nor pixels")
        return self._from_picture(picture.pixels, *stamps, picture.decode_ms)

    def _dropped_count(self) -> int:
        return self._queue.dropped + self._missed


def _words(error: BaseException) -> str:
    """Return the error in words without an address, which might hold a password."""
    return str(error) if isinstance(error, LostError) else words_of(error)
