"""Plays a source to the agent: in real time or as fast as possible, once or in a loop, and a camera for ever."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import cv2

from edge.capture.live import FIRST_PAUSE_S, LONGEST_PAUSE_S, LiveSource
from edge.capture.report import Report
from edge.capture.source import is_live, open_source
from edge.errors import SourceError
from edge.redaction import redacted, without_login

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from edge.capture.base import Mode, Source
    from edge.capture.frame import Frame
    from edge.capture.view_watch import Reference
    from edge.config.device import SourceSettings

_DRIVER_ERRORS = (SourceError, OSError, RuntimeError, cv2.error)


class Playback:
    """The frames of a source, played as its settings say.

    A recording is opened at once. A camera or stream is opened when its frames are read, and again and again with
    growing pauses where that fails, so that one that is away when the box starts is no reason not to start.

    Parameters
    ----------
    settings : SourceSettings
    stop : threading.Event
        Ends the frames once it is set.

    Raises
    ------
    SourceError
        The recording cannot be used.

    """

    def __init__(self, settings: SourceSettings, stop: threading.Event) -> None:
        self._settings = settings
        self._stop = stop
        # A recording in real time stands for a camera, so its frames happen now.
        self._start_utc = datetime.now(timezone.utc) if settings.pace == "camera" else None
        self._problem: str | None = None
        self._reference: Reference | None = None
        self._beat_s = time.monotonic()
        self.live = is_live(settings.spec)
        # The source that is open and what earlier ones have reported: one value, as other threads read it.
        self._now: tuple[Source | None, Report] = (None if self.live else self._open(), Report())

    @property
    def spec(self) -> str:
        """Name of the source, without credentials."""
        return without_login(self._settings.spec)

    @property
    def mode(self) -> Mode | None:
        """Size, rate and codec of the frames; None where nothing is open."""
        source, _ = self._now
        try:
            return None if source is None else source.mode
        except SourceError:  # before the first frame
            return None

    @property
    def report(self) -> Report:
        """What was delivered and lost up to now, in all rounds of a recording and all openings of a camera."""
        source, before = self._now
        return before if source is None else before.then(source.report)

    @property
    def faults(self) -> dict[str, str]:
        """The states of the camera that stand now, a sentence by the name of the state."""
        source, _ = self._now
        if self._problem is not None:
            return {"lost": self._problem}
        return {} if source is None else {fault.name: fault.text for fault in source.faults}

    @property
    def beat_s(self) -> float:
        """Monotonic time of the last sign of life of whoever reads the source."""
        source, _ = self._now
        return max(self._beat_s, source.beat_s) if isinstance(source, LiveSource) else self._beat_s

    def interrupt(self) -> None:
        """End the frames, from any thread.

        A live source is closed at once, even while it is read; a driver that hangs delays that for some seconds. A
        recording ends at its next frame, as a decoder must not be released while it decodes.
        """
        self._stop.set()
        source, _ = self._now
        if self.live and source is not None:
            source.close()

    def close(self) -> None:
        """Release the source. Its frames must not be read any more."""
        source, _ = self._now
        if source is not None:
            source.close()

    def expect(self, reference: Reference) -> None:
        """Judge focus and view by a reference from calibration, now and whenever the source is opened again."""
        self._reference = reference
        source, _ = self._now
        if source is not None:
            source.expect(reference)

    def frames(self) -> Iterator[Frame]:
        """Yield frames until the source ends or is stopped."""
        if self.live:
            yield from self._live_frames()
        elif self._settings.loop:
            yield from self._looped_frames()
        else:
            yield from self._paced(self._opened())

    def _live_frames(self) -> Iterator[Frame]:
        """Yield the frames of a camera, which is opened again whenever it fails."""
        next_sequence, pause_s = 0, FIRST_PAUSE_S
        while not self._stop.is_set():
            first = next_sequence
            try:
                source = self._opened()
                for frame in source if not self._stop.is_set() else ():
                    self._problem, pause_s = None, FIRST_PAUSE_S
                    yield replace(frame, sequence=first + frame.sequence)
                    next_sequence = first + frame.sequence + 2  # a gap
                self._problem = None if self._stop.is_set() else "the camera has ended its pictures"
            except _DRIVER_ERRORS as error:
                self._problem = redacted(str(error)) or type(error).__name__
            if not self._stop.is_set():
                self._forget()
                pause_s = self._wait(pause_s)

    def _looped_frames(self) -> Iterator[Frame]:
        sequence, played_s = 0, 0.0
        while not self._stop.is_set():
            source, first, last = self._opened(), None, None
            for frame in self._paced(source):
                first, last = first or frame, frame
                yield replace(
                    frame,
                    sequence=frame.sequence + sequence,
                    monotonic_s=frame.monotonic_s + played_s,
                    utc=frame.utc + timedelta(seconds=played_s),
                )
            if self._stop.is_set():
                return
            if first is None or last is None:
                raise SourceError(source.spec, "holds no usable frame", "name a recording with frames")
            # A gap in the sequence keeps the last frames of one round from being compared with the first of the next.
            sequence += last.sequence + 2
            played_s += last.monotonic_s - first.monotonic_s + (last.period_s or 1 / source.mode.fps)
            self._forget()

    def _opened(self) -> Source:
        source, before = self._now
        if source is None:
            source = self._open()
            if self._reference is not None:
                source.expect(self._reference)
            self._now = source, before
        return source

    def _forget(self) -> None:
        """Close the source, to be opened anew, and keep its report."""
        source, before = self._now
        if source is not None:
            source.close()
            self._now = None, before.then(source.report)

    def _wait(self, pause_s: float) -> float:
        """Wait for a pause and return the next one."""
        self._wait_until(time.monotonic() + pause_s)
        return min(2 * pause_s, LONGEST_PAUSE_S)

    def _wait_until(self, until_s: float) -> None:
        """Wait with a sign of life each second."""
        while not self._stop.is_set() and (left_s := until_s - time.monotonic()) > 0:
            self._beat_s = time.monotonic()
            self._stop.wait(min(left_s, 1.0))

    def _open(self) -> Source:
        settings = self._settings
        size = None if settings.width is None or settings.height is None else (settings.width, settings.height)
        return open_source(
            settings.spec,
            fps=settings.fps,
            size=size,
            start_utc=self._start_utc,
            exposure_s=settings.exposure_s,
            gain=settings.gain,
            white_balance=settings.white_balance,
            ca_file=settings.ca_file,
        )

    def _paced(self, frames: Source) -> Iterator[Frame]:
        began_s: float | None = None
        for frame in frames:
            if self._settings.pace == "camera":
                began_s = time.monotonic() - frame.monotonic_s if began_s is None else began_s
                self._wait_until(began_s + frame.monotonic_s)
            if self._stop.is_set():
                return
            yield frame
