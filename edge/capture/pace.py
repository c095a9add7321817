"""Counts the frames that a camera lost before they reached the box, by the camera's own timestamps."""

from __future__ import annotations

from collections import deque
from statistics import median

INTERVALS = 31
MIN_INTERVALS = 5
LATE = 1.5  # of the usual interval; a frame is missing between two that lie further apart


class Pace:
    """The usual interval between frames. It is learnt, as cameras often do not keep the rate that they declare."""

    def __init__(self) -> None:
        self._last_s: float | None = None
        self._intervals_s: deque[float] = deque(maxlen=INTERVALS)

    def missed_before(self, stamp_s: float) -> int:
        """Return the number of frames that are missing between the previous timestamp and this one."""
        last_s, self._last_s = self._last_s, stamp_s
        if last_s is None or stamp_s <= last_s:
            return 0
        interval_s = stamp_s - last_s
        usual_s = median(self._intervals_s) if len(self._intervals_s) >= MIN_INTERVALS else interval_s
        self._intervals_s.append(interval_s)
        return round(interval_s / usual_s) - 1 if interval_s > LATE * usual_s else 0
