"""Watches the pictures of a source on their way: leaves out repeats, and tells the states of the camera."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace
from statistics import fmean, median
from typing import TYPE_CHECKING

from edge.capture.camera_watch import CameraWatch
from edge.capture.picture_facts import picture_facts
from edge.capture.repeats import RepeatFinder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from edge.capture.camera_fault import CameraChange, CameraFault
    from edge.capture.camera_watch import SourceFacts
    from edge.capture.frame import Frame
    from edge.capture.view_watch import Reference

FACTS_S = 0.4
CHECK_S = 0.5
CHANGES = 1000
SPACINGS = 31


class CameraMonitor:
    """The watch over one source. One thread brings the pictures, and others may ask for the states.

    Parameters
    ----------
    source_facts : callable
        Returns what the source says of itself now.
    expected_fps : float or None
        As of `CameraWatch`.

    """

    def __init__(self, source_facts: Callable[[], SourceFacts], expected_fps: float | None = None) -> None:
        self._source_facts = source_facts
        self._expected_fps = expected_fps
        self._watch = CameraWatch(expected_fps)
        self._finder = RepeatFinder()
        self._spacing = _Spacing()
        self._lock = threading.Lock()
        self._changes: deque[CameraChange] = deque(maxlen=CHANGES)
        self._facts_s = self._check_s = float("-inf")
        self._begun = False
        self._repeats = 0
        self._repeated = 0

    @property
    def faults(self) -> tuple[CameraFault, ...]:
        """The states that stand."""
        with self._lock:
            return self._watch.faults

    @property
    def repeated(self) -> int:
        """Pictures that were left out as repeats."""
        return self._repeated

    @property
    def reference(self) -> Reference | None:
        """What the camera is to show; None until it is known."""
        with self._lock:
            return self._watch.reference

    def expect_view(self, reference: Reference) -> None:
        """Say what the camera is to show, before its first picture."""
        self._watch = CameraWatch(self._expected_fps, reference)

    def expect_fps(self, declared_fps: float) -> None:
        """Say what rate the camera declares, before its first picture. One that was asked for counts more."""
        if self._expected_fps is None and declared_fps > 0:
            self._expected_fps = declared_fps
            self._watch = CameraWatch(declared_fps, self._watch.reference)

    def take_changes(self) -> tuple[CameraChange, ...]:
        """Return the beginnings and ends of states since the last call."""
        with self._lock:
            changes = tuple(self._changes)
            self._changes.clear()
        return changes

    def check(self, now_s: float, utc: datetime) -> None:
        """Judge what the source says of itself, with or without pictures."""
        with self._lock:
            if 0 <= now_s - self._check_s < CHECK_S:
                return
            self._check_s = now_s
            self._changes += self._watch.check(self._source_facts(), now_s, utc)

    def new_pictures(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Yield the frames without repeats."""
        for frame in frames:
            new = self._judged(frame)
            if new is not None:
                yield new

    def _judged(self, frame: Frame) -> Frame | None:
        """Judge a picture; return its frame, or None for a repeat."""
        now_s, utc = frame.monotonic_s, frame.utc
        likeness = self._finder.compare(frame)
        facts = None
        if not 0 <= now_s - self._facts_s < FACTS_S:
            self._facts_s = now_s
            facts = picture_facts(frame.grey)
        with self._lock:
            self._changes += self._watch.update(frame.sequence, likeness, facts, now_s, utc)
        self.check(now_s, utc)
        if likeness.repeats:
            self._repeats += 1
            self._repeated += 1
            return None
        repeats, self._repeats = self._repeats, 0
        pictures = self._spacing.add(repeats) if self._begun else 1.0
        self._begun = True
        if repeats == 0 and pictures == 1:
            return frame
        period_s = None if frame.period_s is None else frame.period_s * pictures
        return replace(frame, repeats_before=repeats, period_s=period_s)


class _Spacing:
    """Learns how many pictures of a source there are to each new one."""

    def __init__(self) -> None:
        self._latest: deque[int] = deque(maxlen=SPACINGS)

    def add(self, repeats: int) -> float:
        """Add the repeats before a new picture and return the usual number of pictures to a new one, 1 or more."""
        self._latest.append(repeats)
        usual = median(self._latest)
        return 1 + fmean(count for count in self._latest if count <= 2 * usual + 1)
