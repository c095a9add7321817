"""Plays a source to the agent: in real time or as fast as possible, once or in a loop."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from edge.capture.source import open_source
from edge.errors import SourceError

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from edge.capture.base import Source
    from edge.capture.frame import Frame
    from edge.config.device import SourceSettings


class Playback:
    """The frames of a source, played as its settings say.

    Parameters
    ----------
    settings : SourceSettings
    stop : threading.Event
        Ends the frames once it is set.

    Raises
    ------
    SourceError
        The source cannot be used.

    """

    def __init__(self, settings: SourceSettings, stop: threading.Event) -> None:
        self._settings = settings
        self._stop = stop
        # A recording in real time stands for a camera, so its frames happen now.
        self._start_utc = datetime.now(timezone.utc) if settings.pace == "camera" else None
        self.source = self._open()

    @property
    def live(self) -> bool:
        """Whether frames come in real time."""
        return self.source.live

    def interrupt(self) -> None:
        """End the frames, from any thread.

        A live source is closed at once, even while it is read. A recording ends at its next frame, as a decoder must
        not be released while it decodes.
        """
        self._stop.set()
        if self.live:
            self.source.close()

    def close(self) -> None:
        """Release the source. Its frames must not be read any more."""
        self.source.close()

    def frames(self) -> Iterator[Frame]:
        """Yield frames until the source ends or is stopped."""
        if self.live or not self._settings.loop:
            yield from self._paced(iter(self.source))
            return
        sequence, played_s = 0, 0.0
        while not self._stop.is_set():
            first = last = None
            for frame in self._paced(iter(self.source)):
                first, last = first or frame, frame
                yield replace(
                    frame,
                    sequence=frame.sequence + sequence,
                    monotonic_s=frame.monotonic_s + played_s,
                    utc=frame.utc + timedelta(seconds=played_s),
                )
            if first is None or last is None:
                if self._stop.is_set():  # before the first frame of a round
                    return
                raise SourceError(self.source.spec, "holds no usable frame", "name a recording with frames")
            # A gap in the sequence keeps the last frames of one round from being compared with the first of the next.
            sequence += last.sequence + 2
            played_s += last.monotonic_s - first.monotonic_s + 1 / self.source.mode.fps
            if not self._stop.is_set():
                self.source.close()
                self.source = self._open()

    def _open(self) -> Source:
        settings = self._settings
        size = None if settings.width is None or settings.height is None else (settings.width, settings.height)
        return open_source(
            settings.spec, fps=settings.fps, size=size, start_utc=self._start_utc, exposure_s=settings.exposure_s
        )

    def _paced(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        began_s: float | None = None
        for frame in frames:
            if self._settings.pace == "camera" and not self.live:
                began_s = time.monotonic() - frame.monotonic_s if began_s is None else began_s
                self._stop.wait(max(0.0, began_s + frame.monotonic_s - time.monotonic()))
            if self._stop.is_set():
                return
            yield frame
