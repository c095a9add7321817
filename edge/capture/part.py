"""A part of a recording: from a time on, for some seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edge.capture.report import Report
from edge.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.capture.base import Mode, Source
    from edge.capture.camera_fault import CameraChange
    from edge.capture.frame import Frame


class Part:
    """The frames of a source from a time on, for some seconds. They keep their numbers and times.

    Parameters
    ----------
    source : Source
        It is read from its beginning, as the decoders of some recordings cannot begin elsewhere.
    start_s : float
        Seconds from the beginning of the recording, or from the first frame of a live source.
    seconds : float or None
        Length of the part; None for all that is left.

    Raises
    ------
    SourceError
        While it is read: the recording ends before the part begins.

    """

    def __init__(self, source: Source, start_s: float = 0.0, seconds: float | None = None) -> None:
        self._source = source
        self._start_s = start_s
        self._end_s = float("inf") if seconds is None else start_s + seconds
        self._before = Report()
        self._read_beyond = 0
        self._first = 0
        self.spec = source.spec

    @property
    def report(self) -> Report:
        """Counts of the frames of the part."""
        whole, before = self._source.report, self._before
        return replace(
            whole,
            delivered=whole.delivered - before.delivered - self._read_beyond,
            repeated=whole.repeated - before.repeated,
            damaged=whole.damaged - before.damaged,
            damages=tuple(damage for damage in whole.damages if damage.sequence >= self._first),
        )

    @property
    def mode(self) -> Mode:
        """As of the source."""
        return self._source.mode

    def take_changes(self) -> tuple[CameraChange, ...]:
        """As of the source."""
        return self._source.take_changes()

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames of the part."""
        origin_s: float | None = None if self._source.live else 0.0
        begun = False
        last_s = 0.0
        for frame in self._source:
            origin_s = frame.monotonic_s if origin_s is None else origin_s
            last_s = frame.monotonic_s - origin_s
            if last_s >= self._end_s:
                self._read_beyond = 1
                break
            if last_s < self._start_s:
                continue
            if not begun:
                report = self._source.report
                self._before = replace(report, delivered=report.delivered - 1)
                self._first = frame.sequence
                begun = True
            yield frame
        if not begun:
            raise SourceError(
                self.spec, f"ends at {last_s:.1f} s, before its part begins at {self._start_s:g} s", "start earlier"
            )
